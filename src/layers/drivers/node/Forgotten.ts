/**
 * Forgotten rejections: promises that code of agents in this thread rejected and nobody awaits.
 *
 * The runtime would end the process for one; no agent may do that. In their own threads the
 * executor hears of them.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import process from "node:process"
import { wordsOf } from "../../../domain/ErrorWords.ts"

/** Logs them until the scope closes. */
export const watch: Effect.Effect<void, never, Scope.Scope> = Effect.gen(function*() {
  const log = Effect.runForkWith(yield* Effect.context<never>())
  const heard = (error: unknown): void => {
    const text = wordsOf(() => error instanceof Error ? error.stack ?? error.message : `${error}`)
    log(Effect.logError(`a rejection is unhandled: ${text}`))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("unhandledRejection", heard)),
    () => Effect.sync(() => process.off("unhandledRejection", heard))
  )
})
