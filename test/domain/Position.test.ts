import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  hash32,
  laneOfLogLane,
  logLaneCount,
  logLaneOf,
  orderText,
  Partition,
  partitionCount,
  partitionOf,
  partitionOfLogLane
} from "../../src/domain/Position.ts"

describe("a position", () => {
  // Made by another implementation of MurmurHash3_x86_32, which passes the vectors of its author.
  it.each([
    ["", 0],
    ["a", 0x6f49d11a],
    ["ab", 0x165860ca],
    ["abc", 0x42b016c3],
    ["orders", 0xa7ee8e18],
    ["orders.1", 0xb965c635],
    ["orders.2", 0x86d34fdb],
    ["github.push", 0xf29d9350],
    ["shard-0#0", 0xbc3b0b8a],
    ["topic\0key", 0x046480b0],
    ["é中😀", 0xd998809e],
    ["x".repeat(1000), 0xebb673be]
  ])(
    "behaviour 71: is the same on every platform and for ever (%j)",
    (text, position) => assert.strictEqual(hash32(text), position)
  )

  it.prop("lies in one of the 64 partitions", [Schema.String], ([text]) => {
    const position = hash32(text)
    assert.isTrue(Number.isInteger(position) && position >= 0 && position < 2 ** 32)
    assert.isTrue(Schema.is(Partition)(partitionOf(position)))
  }, { arbitrary: { runs: 500, seed: 1 } })

  it("fills every partition from 20,000 ordinary topics, none above 1.4 times the mean", () => {
    const counts = Array.from({ length: partitionCount }, () => 0)
    for (let index = 0; index < 20_000; index++) {
      const partition = partitionOf(hash32(`orders.${index}`))
      counts[partition] = (counts[partition] ?? 0) + 1
    }
    assert.isAbove(Math.min(...counts), 0)
    assert.isAtMost(Math.max(...counts), 1.4 * 20_000 / partitionCount)
  })

  it.prop(
    "differs for a topic without key, its keys, and another topic",
    [Schema.String],
    ([key]) => {
      assert.strictEqual(orderText("a.b", undefined), "a.b")
      assert.notStrictEqual(orderText("a.b", key), orderText("a.b", undefined))
      assert.notStrictEqual(orderText("a.b", key), orderText("a", `b${key}`))
    },
    { arbitrary: { runs: 200, seed: 2 } }
  )
})

describe("a log lane", () => {
  it("stands for one lane of one partition, each once", () => {
    const seen = new Set<number>()
    for (let partition = 0; partition < partitionCount; partition++) {
      for (const lane of [0, 1] as const) {
        const logLane = logLaneOf(partition, lane)
        seen.add(logLane)
        assert.strictEqual(partitionOfLogLane(logLane), partition)
        assert.strictEqual(laneOfLogLane(logLane), lane)
      }
    }
    assert.deepStrictEqual([...seen], Array.from({ length: logLaneCount }, (_, index) => index))
  })
})
