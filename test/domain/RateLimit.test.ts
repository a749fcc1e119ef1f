import { assert, describe, it } from "@effect/vitest"
import { isIdle, type Rate, stepsPerWindow, take, unused } from "../../src/domain/RateLimit.ts"
import { seededRandom } from "../simulation/SeededRandom.ts"

const minute: Rate = { max: 3, windowMs: 60_000 }

/** Verdicts of calls at these times. */
const allowed = (rate: Rate, times: ReadonlyArray<number>) => {
  const usage = unused()
  return times.map((now) => take(usage, rate, now).allowed)
}

describe("the rate of a client", () => {
  it("behaviour 28: n calls pass, call n+1 is refused with a time after which it passes", () => {
    const usage = unused()
    const verdicts = [5, 5, 30_000, 45_000].map((now) => take(usage, minute, now))
    assert.deepStrictEqual(verdicts.map(({ remaining }) => remaining), [2, 1, 0, 0])
    assert.deepStrictEqual(verdicts.map(({ allowed }) => allowed), [true, true, true, false])
    const { resetMs } = verdicts[3] ?? { resetMs: 0 }
    assert.strictEqual(resetMs, 15_000)
    assert.isFalse(take(usage, minute, 45_000 + resetMs - 1).allowed)
    assert.isTrue(take(usage, minute, 45_000 + resetMs).allowed)
  })

  it("behaviour 29: once the window has passed, calls pass again", () => {
    assert.deepStrictEqual(
      allowed(minute, [999, 999, 999, 1_000, 60_998, 60_999, 60_999, 60_999, 60_999]),
      [true, true, true, false, true, true, true, false, false]
    )
  })

  it("pitfall 37: of 50 calls in one millisecond under a limit of 10, 10 pass", () => {
    const passed = allowed({ max: 10, windowMs: 60_000 }, Array.from({ length: 50 }, () => 7))
    assert.lengthOf(passed.filter(Boolean), 10)
  })

  it("lets nothing in early when the clock goes back, and forgets nothing for it", () => {
    assert.deepStrictEqual(
      allowed(minute, [50_000, 10_000, 50_000, 10_000, 60_000, 109_000, 110_000]),
      [true, true, true, false, false, false, true]
    )
  })

  it("under a limit that was lowered waits until enough is forgotten", () => {
    const usage = unused()
    for (const now of [0, 1_000, 2_000, 3_000]) take(usage, { max: 4, windowMs: 60_000 }, now)
    const refused = take(usage, { max: 2, windowMs: 60_000 }, 3_000)
    assert.deepStrictEqual(refused, { allowed: false, remaining: 0, resetMs: 59_000 })
    assert.isTrue(take(usage, { max: 2, windowMs: 60_000 }, 62_000).allowed)
  })

  for (let seed = 1; seed <= 200; seed++) {
    it(`invariant 13: agrees with a log of all times, seed ${seed}`, () => {
      const random = seededRandom(seed, "rate")
      const rate = {
        max: random.between(1, 30),
        windowMs: random.pick([1_000, 60_000, 7_000, 86_400_000])
      }
      const usage = unused()
      const taken: Array<number> = []
      let now = random.between(0, 1_000_000)
      for (let call = 0; call < 400; call++) {
        const pause = random.pick([0, 0, 1, rate.windowMs / 90, rate.windowMs / 9, rate.windowMs])
        now += Math.floor(random.next() * pause)
        const within = (ms: number) => taken.filter((at) => at > now - ms).length
        const verdict = take(usage, rate, now)
        if (verdict.allowed) {
          assert.isBelow(
            within(rate.windowMs - rate.windowMs / stepsPerWindow),
            rate.max,
            "never more than the limit"
          )
          taken.push(now)
        } else {
          assert.isAtLeast(within(rate.windowMs), rate.max, "refused only with the quota used up")
          assert.isAbove(verdict.resetMs, 0)
          const copy = { pairs: [...usage.pairs], sum: usage.sum }
          assert.isTrue(take(copy, rate, now + verdict.resetMs).allowed)
        }
        assert.isAtMost(usage.pairs.length, 120)
        assert.isFalse(isIdle(usage, rate, now))
        assert.isTrue(isIdle(usage, rate, now + rate.windowMs))
      }
    })
  }
})
