/**
 * The control calls of an executor thread, served.
 */
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcServer from "effect/rpc/RpcServer"
import process from "node:process"
import { AgentUnloadable } from "../../../services/Agent.ts"
import { Control } from "../Control.ts"
import type { Inbox } from "./Inbox.ts"

/** Serves until the thread ends. */
export const serve = (inbox: Inbox): Effect.Effect<never, unknown> => {
  const handlers = Control.toLayer({
    Load: (module) => Effect.mapError(inbox.load(module), (why) => new AgentUnloadable(why)),
    Unload: ({ number }) => Effect.sync(() => inbox.unload(number)),
    Drain: () => inbox.drained,
    Stats: () =>
      Effect.sync(() => ({
        heapBytes: process.memoryUsage().heapUsed,
        running: inbox.running
      }))
  })
  return Layer.launch(
    RpcServer.layer(Control, { concurrency: "unbounded", disableTracing: true }).pipe(
      Layer.provide(handlers),
      Layer.provide(RpcServer.layerProtocolWorkerRunner),
      Layer.provide(NodeWorkerRunner.layer)
    )
  )
}
