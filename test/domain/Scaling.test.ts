import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type ShardLoad, shardPolicy, shardsFor } from "../../src/domain/ShardScaling.ts"
import { workerPolicy, workersFor } from "../../src/domain/WorkerScaling.ts"

const between = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Shards that are half full and quick, long after the last step. */
const steady: ShardLoad = {
  shards: 8,
  meanFill: 0.5,
  ageMs: 2_000,
  highMs: 0,
  lowMs: 0,
  sinceStepMs: 1e9,
  isPressed: false
}

const full = { ...steady, meanFill: 0.81, highMs: shardPolicy.highForMs }
const empty = { ...steady, meanFill: 0.19, ageMs: 0, lowMs: shardPolicy.lowForMs }

describe("the number of shards", () => {
  it("pitfall 13: grows by one after a minute above 80 %, to 16", () => {
    assert.strictEqual(shardsFor(full, shardPolicy), 9)
    assert.strictEqual(shardsFor({ ...full, highMs: 59_999 }, shardPolicy), 8)
    assert.strictEqual(shardsFor({ ...full, meanFill: 0.8 }, shardPolicy), 8)
    assert.strictEqual(shardsFor({ ...full, shards: 16 }, shardPolicy), 16)
  })

  it("grows when messages have waited for more than 5 s, however empty the shards are", () => {
    const late = { ...empty, ageMs: 5_001, highMs: 60_000 }
    assert.strictEqual(shardsFor(late, shardPolicy), 9)
    assert.strictEqual(shardsFor({ ...late, ageMs: 5_000 }, shardPolicy), 8)
  })

  it("grows at once when a gate closed and the shards are full together", () => {
    assert.strictEqual(shardsFor({ ...full, highMs: 0, isPressed: true }, shardPolicy), 9)
    assert.strictEqual(shardsFor({ ...steady, isPressed: true }, shardPolicy), 8)
    const soon = { ...full, isPressed: true, sinceStepMs: 59_999 }
    assert.strictEqual(shardsFor(soon, shardPolicy), 8)
  })

  it("pitfall 12: shrinks by one after two minutes below 20 %, to the minimum", () => {
    assert.strictEqual(shardsFor(empty, shardPolicy), 7)
    assert.strictEqual(shardsFor({ ...empty, lowMs: 119_999 }, shardPolicy), 8)
    assert.strictEqual(shardsFor({ ...empty, ageMs: 1_000 }, shardPolicy), 8)
    const least = { ...shardPolicy, shardsMin: 8 }
    assert.strictEqual(shardsFor(empty, least), 8)
  })

  it.effect.prop("keeps its bounds, moves by one at most, and rests within an interval", {
    shards: between(2, 16),
    fill: between(0, 120),
    ageMs: between(0, 20_000),
    highMs: between(0, 200_000),
    lowMs: between(0, 200_000),
    sinceStepMs: between(0, 200_000),
    isPressed: Schema.Boolean
  }, ({ fill, ...load }) =>
    Effect.sync(() => {
      const wanted = shardsFor({ ...load, meanFill: fill / 100 }, shardPolicy)
      assert.isAtLeast(wanted, 2)
      assert.isAtMost(wanted, 16)
      assert.isAtMost(Math.abs(wanted - load.shards), 1)
      if (load.sinceStepMs < shardPolicy.intervalMs) assert.strictEqual(wanted, load.shards)
      if (fill >= 20 && fill <= 80 && load.ageMs >= 1_000 && load.ageMs <= 5_000) {
        assert.strictEqual(wanted, load.shards)
      }
    }))
})

describe("the workers of a shard", () => {
  const calm = workerPolicy.calmMs

  it("grow by two above 1,000, to 8, and shrink by one after a calm, to 2", () => {
    const of = (queued: number, workers: number, calmForMs = 0) =>
      workersFor({ queued, workers, calmForMs }, workerPolicy)
    assert.deepStrictEqual([of(1_001, 4), of(1_000, 4), of(1_001, 7), of(9_999, 8)], [6, 4, 8, 8])
    assert.deepStrictEqual([of(0, 4, calm), of(0, 4, calm - 1), of(0, 2, calm)], [3, 4, 2])
  })

  it("stay where an operator has put them beyond the bounds", () => {
    const policy = { ...workerPolicy, workersMin: 4, workersMax: 6 }
    assert.strictEqual(workersFor({ queued: 5_000, workers: 8, calmForMs: 0 }, policy), 8)
    assert.strictEqual(workersFor({ queued: 0, workers: 2, calmForMs: calm }, policy), 2)
  })
})
