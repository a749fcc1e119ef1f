/**
 * An executor thread: loads the agents it is told of, says so, and runs what it is handed.
 *
 * Control calls are served when the first one comes: what they need takes most of a start.
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import { workerData } from "node:worker_threads"
import { wordsOf } from "../../../domain/ErrorWords.ts"
import type { FromThread, ThreadStart } from "../Protocol.ts"
import { Inbox } from "./Inbox.ts"

const start: ThreadStart = workerData
const inbox = new Inbox(start, () => {
  Effect.runFork(Effect.flatMap(
    Effect.promise(() => import("./ControlServer.ts")),
    ({ serve }) => serve(inbox)
  ))
})

const tell = (message: FromThread): void => start.port.postMessage(message, [])

// A promise that an agent forgot is no reason to end all that runs beside it.
process.on("unhandledRejection", (error) => {
  const text = wordsOf(() => error instanceof Error ? error.stack ?? error.message : String(error))
  tell({ kind: "complaint", text: `an agent left a rejection unhandled: ${text}` })
})

Effect.runFork(
  Effect.forEach(start.modules, (module) => inbox.load(module), { concurrency: "unbounded" }).pipe(
    Effect.match({
      onSuccess: (handlers) => tell({ kind: "started", started: { isOk: true, handlers } }),
      onFailure: ({ agent, reason }) =>
        tell({ kind: "started", started: { isOk: false, agent, reason } })
    })
  )
)
