/**
 * The main thread's end of the store's thread: requests as effects.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { extname } from "node:path"
import process from "node:process"
import { Worker } from "node:worker_threads"
import type { Failure } from "../../drivers/sqlite/Failure.ts"
import { fromPost, toPost } from "./Posting.ts"
import type { Calls, Name, Reply, StartOptions } from "./Protocol.ts"

/** Asks the thread; `transfer` is handed over instead of copied. */
export type Ask = <N extends Name>(
  name: N,
  body: Calls[N]["request"],
  transfer?: ReadonlyArray<ArrayBuffer>
) => Effect.Effect<Calls[N]["reply"], Failure>

type Waiting = (reply: Reply) => void

const ended: Reply = { ok: false, failure: { reason: "Io", detail: "the store's thread ended" } }

/** Starts the thread; it ends with the scope. */
export const startThread = (options: StartOptions): Effect.Effect<Ask, never, Scope.Scope> =>
  Effect.gen(function*() {
    const waiting: Array<Waiting> = []
    const state = { hasEnded: false }
    const worker = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(options)),
      (worker) => Effect.promise(() => worker.terminate())
    )
    worker.on("message", (reply: Reply) => waiting.shift()?.(reply))
    worker.on("error", () => {}) // Said again by `exit`; unheard, it would end the process.
    worker.on("exit", () => {
      state.hasEnded = true
      for (const resume of waiting.splice(0)) resume(ended)
    })
    return (name, body, transfer = []) =>
      Effect.callback((resume) => {
        // Replies come in order, so this one is for `name`: hence the cast.
        const answer: Waiting = (reply) =>
          resume(
            reply.ok ? Effect.succeed(fromPost(reply.body) as never) : Effect.fail(reply.failure)
          )
        if (state.hasEnded) return answer(ended)
        waiting.push(answer)
        worker.postMessage({ name, body: toPost(body) }, [...transfer])
      })
  })

const isSource = extname(import.meta.url) === ".ts"
const compiled = new URL("./thread.js", import.meta.url)

/** Under Node `node:sqlite` announces itself as an experiment; Deno does not know the flag. */
const quiet = process.allowedNodeEnvironmentFlags.has("--disable-warning")
  ? ["--disable-warning=ExperimentalWarning"]
  : []

const spawn = (options: StartOptions): Worker =>
  new Worker(isSource ? new URL("./thread.ts", import.meta.url) : compiled, {
    name: "log-store",
    workerData: options,
    execArgv: quiet
  })
