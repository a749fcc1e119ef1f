/**
 * The control calls of an executor thread, as an effect/rpc group.
 */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { AgentUnloadable } from "../../services/Agent.ts"

/** Load and unload modules, wait until nothing runs, and tell how the thread does. */
export class Control extends RpcGroup.make(
  Rpc.make("Load", {
    payload: {
      number: Schema.Int,
      module: Schema.Struct({ name: Schema.String, url: Schema.String, version: Schema.Finite }),
      options: Schema.Struct({ isHeavyLazy: Schema.Boolean, isCheckSkipped: Schema.Boolean })
    },
    success: Schema.Array(Schema.Struct({
      id: Schema.Int,
      exported: Schema.String,
      subscription: Schema.String,
      topic: Schema.String,
      options: Schema.Unknown
    })),
    error: AgentUnloadable
  }),
  Rpc.make("Unload", { payload: { number: Schema.Int } }),
  /** Succeeds once no handler runs and nothing that handlers sent is without an answer. */
  Rpc.make("Drain"),
  Rpc.make("Stats", {
    success: Schema.Struct({ heapBytes: Schema.Finite, running: Schema.Int })
  })
) {}
