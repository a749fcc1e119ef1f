/**
 * Control of the shards: what an operator or a control loop may change while the bus runs.
 */
import * as Effect from "effect/Effect"
import type { BusClosed } from "../../services/MessageBus.ts"
import {
  CountOutOfRange,
  type Shards,
  ShardUnknown,
  workerCountRange
} from "../../services/Shards.ts"
import type { Core } from "./Core.ts"
import { whenOpen } from "./Openness.ts"
import { Resizing } from "./Resizing.ts"
import type { Shard } from "./Shard.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/** The control of the shards of `core`. */
export const make = (core: Core, pool: WorkerPool): Shards => {
  const resizing = new Resizing(core, pool)
  return {
    setCount: (count) =>
      resizing.resizeTo(Array.from({ length: Math.min(count, idsMax) }, (_, id) => id)),
    setWorkers: (count, id) =>
      Effect.andThen(
        inRange(count),
        id === undefined
          ? Effect.map(whenOpen(core), () => {
            pool.setAll(count)
            noteWorkers(core, "every shard", count)
          })
          : Effect.map(find(core, id), (shard) => {
            pool.setCount(count, shard)
            noteWorkers(core, `shard ${id}`, count)
          })
      ),
    pause: (id) => Effect.map(find(core, id), (shard) => setPaused(core, shard, true)),
    resume: (id) => Effect.map(find(core, id), (shard) => setPaused(core, shard, false)),
    rebalance: Effect.suspend(() => resizing.rebalance)
  }
}

/** No list of ids is longer, whatever is asked for. */
const idsMax = 100

const find = (core: Core, id: number): Effect.Effect<Shard, ShardUnknown | BusClosed> =>
  Effect.andThen(
    whenOpen(core),
    Effect.suspend(() => {
      const shard = core.shardSet.get(id)
      return shard === undefined
        ? Effect.fail(new ShardUnknown({ id: String(id) }))
        : Effect.succeed(shard)
    })
  )

const inRange = (found: number): Effect.Effect<void, CountOutOfRange> => {
  const { maximum, minimum } = workerCountRange
  return Number.isInteger(found) && found >= minimum && found <= maximum
    ? Effect.void
    : Effect.fail(new CountOutOfRange({ what: "workers", found, minimum, maximum }))
}

const noteWorkers = (core: Core, subject: string, workers: number): void =>
  core.decide({
    kind: "workers",
    subject,
    rule: "it was asked for; who is sent away finishes its message",
    inputs: { workers },
    outcome: `${workers} workers`
  })

const setPaused = (core: Core, shard: Shard, paused: boolean): void => {
  if (shard.paused === paused) return
  shard.paused = paused
  core.decide({
    kind: "pause",
    subject: `shard ${shard.id}`,
    rule: "it was asked for; delivery goes on in a paused shard",
    inputs: { slots: shard.slots },
    outcome: paused ? "Paused" : "Resumed"
  })
}
