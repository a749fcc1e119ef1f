import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { hash32 } from "../../src/domain/Position.ts"
import * as Ring from "../../src/domain/Ring.ts"

const topicCount = 20_000

const namings: ReadonlyArray<readonly [string, (index: number) => string]> = [
  ["topic-1", (index) => `topic-${index}`],
  ["orders.eu.1.created", (index) => `orders.eu.${index}.created`],
  ["a key of one topic", (index) => `orders\0customer-${index}`],
  ["numbers", (index) => String(index)]
]

const shardSets: ReadonlyArray<ReadonlyArray<number>> = [
  [0, 1, 2, 3, 4, 5, 6, 7],
  [8, 9, 10, 11, 12, 13, 14, 15],
  [0, 2, 4, 6, 8, 10, 12, 14],
  [3, 17, 41, 255, 1_000, 4_096, 70_000, 1_000_000]
]

const positions = (name: (index: number) => string): Uint32Array =>
  Uint32Array.from({ length: topicCount }, (_, index) => hash32(name(index)))

const shardSet = Schema.NonEmptyArray(
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
)
const position = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))

describe("the ring", () => {
  it.each(namings)("behaviour 73: spreads 20,000 names like %s evenly on 8 shards", (_, name) => {
    const at = positions(name)
    for (const shards of shardSets) {
      const counts = new Map(shards.map((shard) => [shard, 0]))
      const ring = Ring.make(shards)
      for (const one of at) {
        const owner = Ring.owner(ring, one) ?? -1
        counts.set(owner, (counts.get(owner) ?? 0) + 1)
      }
      assert.strictEqual(counts.size, shards.length)
      assert.isAtMost(Math.max(...counts.values()), 1.25 * topicCount / shards.length)
      assert.isAbove(Math.min(...counts.values()), 0)
    }
  })

  it("behaviour 74: moves at most 1.5/N of the names, only to a shard that joins", () => {
    const at = positions((index) => `topic-${index}`)
    for (let count = 2; count <= 15; count++) {
      const before = Ring.make(Array.from({ length: count }, (_, shard) => shard))
      const after = Ring.add(before, count)
      const moved = at.filter((one) => Ring.owner(before, one) !== Ring.owner(after, one))
      assert.isTrue(moved.every((one) => Ring.owner(after, one) === count))
      assert.isAbove(moved.length, 0)
      assert.isAtMost(moved.length, 1.5 * topicCount / (count + 1), `${count} shards`)
    }
  })

  it("behaviour 74: moves only the names of a shard that leaves", () => {
    const at = positions((index) => `topic-${index}`)
    const before = Ring.make([0, 1, 2, 3, 4, 5, 6, 7])
    for (const gone of before.shards) {
      const after = Ring.remove(before, gone)
      for (const one of at) {
        const owner = Ring.owner(before, one)
        if (owner === gone) assert.notStrictEqual(Ring.owner(after, one), gone)
        else assert.strictEqual(Ring.owner(after, one), owner)
      }
    }
  })

  it.prop("behaviour 71: is the same from any order of its shards, also after changes", {
    shards: shardSet,
    visitors: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 41, maximum: 60 }))),
    position
  }, ({ position, shards, visitors }) => {
    const straight = Ring.make(shards)
    const joined = [...visitors, ...shards.toReversed()].reduce(Ring.add, Ring.make([]))
    const left = visitors.reduce(Ring.remove, joined)
    assert.deepStrictEqual(left, straight)
    assert.strictEqual(Ring.owner(left, position), Ring.owner(straight, position))
    assert.include(shards, Ring.owner(straight, position))
  }, { arbitrary: { runs: 60, seed: 7 } })

  it.prop("gives a position to the next point clockwise, past the end to the first", {
    shards: shardSet,
    position
  }, ({ position, shards }) => {
    const ring = Ring.make(shards)
    const next = ring.points.findIndex((point) => point >= position)
    assert.strictEqual(Ring.owner(ring, position), ring.owners[next === -1 ? 0 : next])
  }, { arbitrary: { runs: 100, seed: 8 } })

  it("gives a point to the shard that stands on it", () => {
    const ring = Ring.make([1, 2, 3])
    ring.points.forEach((point, index) => {
      const first = ring.points.indexOf(point)
      assert.strictEqual(Ring.owner(ring, point), ring.owners[first], `point ${index}`)
    })
  })

  it("behaviour 71: gives everything to its only shard, and nothing when it is empty", () => {
    const [empty, single] = [Ring.make([]), Ring.make([5])]
    for (const at of [0, 1, 2 ** 31, 2 ** 32 - 1]) {
      assert.isUndefined(Ring.owner(empty, at))
      assert.strictEqual(Ring.owner(single, at), 5)
    }
  })

  it("behaviour 72: does not change when a known shard joins or an unknown one leaves", () => {
    const ring = Ring.make([1, 2, 3])
    assert.strictEqual(Ring.add(ring, 2), ring)
    assert.strictEqual(Ring.remove(ring, 9), ring)
    assert.deepStrictEqual(Ring.make([3, 1, 2, 2]), ring)
  })

  it("behaviour 75: answers for the old shards while a new ring is made", () => {
    const before = Ring.make([0, 1])
    const points = before.points.slice()
    Ring.add(before, 2)
    Ring.remove(before, 0)
    assert.deepStrictEqual(before.points, points)
    assert.deepStrictEqual(before.shards, [0, 1])
  })

  it("behaviour 79: has 2 to 16 shards", () => {
    const allowed = Schema.is(Ring.ShardCount)
    assert.deepStrictEqual([1, 2, 16, 17, 2.5, Number.NaN].map(allowed), [
      false,
      true,
      true,
      false,
      false,
      false
    ])
  })
})
