import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  isMessageId,
  makeIds,
  MessageId,
  millisOfId,
  partitionOfId
} from "../../src/domain/MessageId.ts"

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A generator with a seed (mulberry32), so that a failure comes back. */
const random32 = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    const mixed = Math.imul(state ^ (state >>> 15), state | 1)
    const again = mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61))
    return (again ^ (again >>> 14)) >>> 0
  }
}

const start = Date.UTC(2026, 0, 1)

describe("a message id", () => {
  it("is a UUIDv7 that ascends and is unique among 100,000 of one millisecond", () => {
    const next = makeIds(random32(1), 0)
    const ids = Array.from({ length: 100_000 }, (_, index) => next(start, index & 63))
    assert.strictEqual(new Set(ids).size, ids.length)
    ids.forEach((id, index) => {
      assert.match(id, uuid7)
      if (index > 0) assert.isTrue((ids[index - 1] ?? "") < id, `${ids[index - 1]} then ${id}`)
    })
  })

  it.prop("carries its partition and its time", {
    partition: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 63 })),
    millis: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 48 - 1 })),
    seed: Schema.Int
  }, ({ millis, partition, seed }) => {
    const id = makeIds(random32(seed), 0)(millis, partition)
    assert.strictEqual(partitionOfId(id), partition)
    assert.strictEqual(millisOfId(id), millis)
    assert.match(id, uuid7)
  }, { arbitrary: { runs: 500, seed: 3 } })

  it.prop(
    "ascends when the clock stands still, leaps or steps back",
    [Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 40 })))],
    ([clock]) => {
      const next = makeIds(random32(7), 0)
      const ids = clock.flatMap((now) => [next(now, 5), next(now, 63), next(now, 0)])
      assert.deepStrictEqual(ids, ids.toSorted())
      assert.strictEqual(new Set(ids).size, ids.length)
    },
    { arbitrary: { runs: 200, seed: 4 } }
  )

  it("ascends across a restart on a clock that was set back an hour", () => {
    const before = makeIds(random32(1), 0)(start, 1)
    const after = makeIds(random32(2), millisOfId(before))(start - 3_600_000, 1)
    assert.isTrue(before < after)
  })

  it("is told from other texts, also from other UUIDs", () => {
    const id = makeIds(random32(1), 0)(start, 9)
    assert.isTrue(isMessageId(id))
    assert.isTrue(Schema.is(MessageId)(id))
    for (
      const text of [
        "",
        id.toUpperCase(),
        `${id} `,
        `${id}\n`,
        id.slice(1),
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "9b2f1c9e-6b7d-4a57-9c0b-6f5d7a7d9f11",
        id.replace(/-7/, "-8")
      ]
    ) {
      assert.isFalse(isMessageId(text), JSON.stringify(text))
      assert.isFalse(Schema.is(MessageId)(text), JSON.stringify(text))
    }
  })
})
