import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { delayMs, retryDefault, RetryPolicy } from "../../src/domain/RetryPolicy.ts"

const unit = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

describe("the retry policy", () => {
  it("behaviour 64: waits 10, 20 and 40 ms between its 4 attempts unless told otherwise", () => {
    assert.strictEqual(retryDefault.attemptsMax, 4)
    assert.deepStrictEqual([1, 2, 3].map((n) => delayMs(retryDefault, n, 0.5)), [10, 20, 40])
  })

  it.prop("behaviour 64, pitfall 20: spreads every wait by 20 %, and no further", {
    random: unit,
    attempt: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
  }, ({ attempt, random }) => {
    const middle = Math.min(retryDefault.capMs, 10 * 2 ** (attempt - 1))
    const wait = delayMs(retryDefault, attempt, random)
    assert.isAtLeast(wait, 0.8 * middle - 1e-6)
    assert.isAtMost(wait, 1.2 * middle + 1e-6)
    assert.strictEqual(delayMs({ ...retryDefault, jitter: 0 }, attempt, random), middle)
  }, { arbitrary: { runs: 500, seed: 11 } })

  it("takes listed waits one by one, and the last for all that follow", () => {
    const listed = { ...retryDefault, jitter: 0, delaysMs: [5, 6_000, 1] }
    assert.deepStrictEqual([1, 2, 3, 4, 9].map((n) => delayMs(listed, n, 0.9)), [5, 6_000, 1, 1, 1])
    const allowed = Schema.is(RetryPolicy)
    assert.isTrue(allowed(listed))
    assert.isFalse(allowed({ ...listed, delaysMs: [] }))
    assert.isFalse(allowed({ ...listed, delaysMs: [-1] }))
  })

  it("spreads waits over the whole range", () => {
    assert.closeTo(delayMs(retryDefault, 1, 0), 8, 1e-9)
    assert.closeTo(delayMs(retryDefault, 1, 1), 12, 1e-9)
  })

  it("behaviour 64: is refused without an attempt, with a negative wait or a factor of 0", () => {
    const allowed = Schema.is(RetryPolicy)
    assert.isTrue(allowed(retryDefault))
    assert.isTrue(allowed({ ...retryDefault, attemptsMax: 1 }))
    for (
      const wrong of [
        { attemptsMax: 0 },
        { attemptsMax: -1 },
        { attemptsMax: 1.5 },
        { baseMs: -1 },
        { factor: 0 },
        { factor: -2 },
        { capMs: Number.NaN },
        { jitter: 1.1 }
      ]
    ) {
      assert.isFalse(allowed({ ...retryDefault, ...wrong }), JSON.stringify(wrong))
    }
  })
})
