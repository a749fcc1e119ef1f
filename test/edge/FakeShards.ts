/** The shards of the fake bus: 2 to begin with; shard 1 is being changed while `resizing`. */
import { Effect } from "effect"
import type { ShardSnapshot } from "../../src/domain/Snapshot.ts"
import { ResizeRunning, type Shards, ShardUnknown } from "../../src/services/Shards.ts"

/** What tests look at and change. */
export interface FakeShards {
  count: number
  workers: number
  resizing: boolean
  readonly paused: Set<number>
}

/** Two open shards. */
export const fakeShards = (): FakeShards => ({
  count: 2,
  workers: 5,
  resizing: false,
  paused: new Set()
})

/** The shards as the snapshot shows them: the last is closed. */
export const shardsOf = (fake: FakeShards): ReadonlyArray<ShardSnapshot> =>
  Array.from({ length: fake.count }, (_, id) => ({
    id,
    queued: { high: id, normal: 2 },
    slots: 3,
    held: { high: 1, normal: 2 },
    bytes: 4,
    fill: 0.3,
    oldestMs: 0,
    gate: id === fake.count - 1 ? "Closed" : "Open",
    paused: fake.paused.has(id),
    workers: fake.workers,
    inFlight: 1,
    workerRestarts: 0
  }))

/** The service over a state. */
export const shardCalls = (fake: FakeShards): Shards => {
  const known = (id: number, change: () => void) =>
    Effect.suspend(() =>
      id >= fake.count
        ? Effect.fail(new ShardUnknown({ id: String(id) }))
        : Effect.sync(change)
    )
  return {
    setCount: (count) =>
      Effect.suspend(() => {
        if (fake.resizing) return Effect.fail(new ResizeRunning({}))
        const from = fake.count
        fake.count = count
        return Effect.succeed({ from, to: count, moved: 0 })
      }),
    setWorkers: (count, shard) => known(shard ?? 0, () => fake.workers = count),
    pause: (id) => known(id, () => void fake.paused.add(id)),
    resume: (id) => known(id, () => void fake.paused.delete(id)),
    rebalance: Effect.suspend(() =>
      fake.resizing ? Effect.fail(new ResizeRunning({})) : Effect.succeed({ moved: 7 })
    )
  }
}
