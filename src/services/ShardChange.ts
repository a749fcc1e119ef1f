/**
 * Changes of shards as pods tell each other of them.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Shards } from "./Shards.ts"

/** A change of shards; a later version only adds kinds, which an earlier one ignores. */
export const ShardChange = Schema.Union([
  Schema.Struct({ kind: Schema.Literals(["pause", "resume"]), shard: Schema.Int }),
  Schema.Struct({ kind: Schema.Literal("count"), count: Schema.Int }),
  Schema.Struct({
    kind: Schema.Literal("workers"),
    count: Schema.Int,
    shard: Schema.optionalKey(Schema.Int)
  }),
  Schema.Struct({ kind: Schema.Literal("rebalance") })
])

/** A checked change. */
export type ShardChange = typeof ShardChange.Type

/** Shards whose changes are told to others, once they are done here. */
export const shardsOver = (
  own: Shards,
  tell: (change: ShardChange) => Effect.Effect<void>
): Shards => {
  const told = <A, E>(done: Effect.Effect<A, E>, change: ShardChange): Effect.Effect<A, E> =>
    Effect.tap(done, () => tell(change))
  return {
    setCount: (count) => told(own.setCount(count), { kind: "count", count }),
    setWorkers: (count, shard) =>
      told(own.setWorkers(count, shard), {
        kind: "workers",
        count,
        ...shard === undefined ? {} : { shard }
      }),
    pause: (shard) => told(own.pause(shard), { kind: "pause", shard }),
    resume: (shard) => told(own.resume(shard), { kind: "resume", shard }),
    rebalance: told(own.rebalance, { kind: "rebalance" })
  }
}

/** Does here what was done elsewhere. */
export const changeShards = (
  shards: Shards,
  change: ShardChange
): Effect.Effect<
  unknown,
  Effect.Error<ReturnType<Shards["pause" | "setCount" | "setWorkers"]>>
> => {
  switch (change.kind) {
    case "pause":
      return shards.pause(change.shard)
    case "resume":
      return shards.resume(change.shard)
    case "count":
      return shards.setCount(change.count)
    case "workers":
      return shards.setWorkers(change.count, change.shard)
    case "rebalance":
      return shards.rebalance
  }
}
