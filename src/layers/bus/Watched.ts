/**
 * What watches over a bus is told here.
 */
import * as Effect from "effect/Effect"
import type { Watching } from "../../services/Watching.ts"
import type { Core } from "./Core.ts"
import { shardsOf } from "./Inspection.ts"
import type { Shard } from "./Shard.ts"

/** The watching of `core`. */
export const make = (core: Core): Watching => ({
  shards: () => shardsOf(core),
  decide: (decision) => core.decide(decision),
  onGateClosed: (listener) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => {
        const heard = ({ gate, id }: Shard): void => {
          if (gate === "Closed") listener(id)
        }
        core.onBackpressure.add(heard)
        return heard
      }),
      (heard) => Effect.sync(() => core.onBackpressure.delete(heard))
    ))
})
