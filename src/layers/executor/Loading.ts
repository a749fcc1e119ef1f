/**
 * Loading: imports an agent's module into this thread and makes its handlers ready to run.
 *
 * Schemas are loaded for a typed topic only: they are half of what a thread needs to start.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { AgentUnloadable } from "../../services/Agent.ts"
import type { AgentModule, LoadOptions } from "../../services/Executor.ts"
import { allowOwnImports } from "../drivers/node/OwnImports.ts"
import { importFailure, messageOf } from "./Failures.ts"
import { find, type Found } from "./Found.ts"
import { Heavy } from "./Heavy.ts"

/** A handler that can run in this thread. */
export interface Ready {
  readonly found: Found
  readonly heavy: Heavy
  /** Checks the payload of a typed topic. */
  readonly decode: ((payload: unknown) => Effect.Effect<unknown, unknown>) | undefined
}

/** The fields of `AgentUnloadable`. */
export type Unloadable = Pick<AgentUnloadable, "agent" | "reason">

/** Imports a module; runs its `check` and makes its heavy parts as `options` say. */
export const load = (
  module: AgentModule,
  options: LoadOptions
): Effect.Effect<ReadonlyArray<Ready>, Unloadable> =>
  Effect.gen(function*() {
    const unloadable = (reason: string): Unloadable => ({ agent: module.name, reason })
    allowOwnImports()
    const exports = yield* Effect.tryPromise({
      try: () => importOf(module),
      catch: (error) => unloadable(`it does not load: ${importFailure(error)}`)
    })
    const found = find(module.name, exports)
    if (Result.isFailure(found)) return yield* Effect.fail(unloadable(found.failure))
    const { check } = exports
    if (typeof check === "function" && !options.isCheckSkipped) {
      yield* Effect.mapError(
        settled(() => check()),
        (error) => unloadable(`its check fails: ${messageOf(error)}`)
      )
    }
    const ready = yield* Effect.forEach(found.success, readyOf)
    if (!options.isHeavyLazy) {
      yield* Effect.forEach(ready, ({ found: { exported }, heavy }) =>
        Effect.tryPromise({
          try: () => heavy.get(),
          catch: (error) => unloadable(`the heavy part of ${exported}: ${messageOf(error)}`)
        }))
    }
    return ready
  })

/** What a function of an agent comes to, be it a value, a promise or an Effect. */
const settled = (run: () => unknown): Effect.Effect<unknown, unknown> =>
  Effect.flatMap(
    Effect.tryPromise({ try: () => Promise.resolve().then(run), catch: (error) => error }),
    // What the Effect of a stranger needs cannot be given; it then fails by name.
    (value) => Effect.isEffect(value) ? value as Effect.Effect<unknown, unknown> : Effect.void
  )

/** The version in the address keeps the runtime from giving back what it loaded before. */
const importOf = ({ url, version }: AgentModule): Promise<Readonly<Record<string, unknown>>> => {
  const address = new URL(url)
  address.searchParams.set("version", String(version))
  return import(/* @vite-ignore */ address.href)
}

const readyOf = (found: Found): Effect.Effect<Ready> => {
  const { options, topic } = found.handler
  const heavy = new Heavy(options?.heavy)
  return typeof topic === "string"
    ? Effect.succeed({ found, heavy, decode: undefined })
    : Effect.map(
      Effect.promise(() => import("./Decoding.ts")),
      ({ decodingOf }) => ({ found, heavy, decode: decodingOf(topic) })
    )
}
