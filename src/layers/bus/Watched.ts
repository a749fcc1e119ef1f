/**
 * What watches over a bus is told here.
 */
import * as Effect from "effect/Effect"
import type { Vitals, Watching } from "../../services/Watching.ts"
import type { Core } from "./Core.ts"
import { shardsOf } from "./Inspection.ts"
import type { Shard } from "./Shard.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/** The watching of `core`. */
export const make = (core: Core, pool: WorkerPool): Watching => ({
  shards: () => shardsOf(core),
  vitals: () => vitalsOf(core),
  restaff: (id) =>
    Effect.sync(() => {
      const shard = core.shardSet.get(id)
      if (shard !== undefined) pool.restaff(shard)
    }),
  decide: (decision) => core.decide(decision),
  onDecision: (listener) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => core.decisions.listeners.add(listener)),
      () => Effect.sync(() => core.decisions.listeners.delete(listener))
    )),
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

const vitalsOf = (core: Core): Vitals => ({
  fibreRestarts: [...core.fibreRestarts.values()].reduce((sum, count) => sum + count, 0),
  runs: core.dispatchDuration.count,
  errors: [...core.topics.totals.values()].reduce((sum, { errors }) => sum + errors, 0),
  logFailure: core.appendFailure?.detail ?? core.settler.failure?.detail
})
