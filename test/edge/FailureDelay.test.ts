import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import {
  addressesMax,
  delayMsFirst,
  delayMsMax,
  FailureDelay,
  forgetMs,
  waitingMax
} from "../../src/layers/edge/FailureDelay.ts"
import { ask as askAny } from "./Client.ts"
import { bearer, keyOf } from "./Keys.ts"
import { servedBehind } from "./Served.ts"

describe("the delay of failed credentials", () => {
  it("doubles per address up to its cap, and is forgotten after a while without a failure", () => {
    const delay = new FailureDelay()
    const delays = Array.from({ length: 9 }, () => {
      const delayed = delay.failed("a", 1_000)
      delayed?.done()
      return delayed?.delayMs
    })
    assert.deepStrictEqual(delays.slice(0, 3), [100, 200, 400])
    assert.deepStrictEqual(delays.slice(6), [delayMsMax, delayMsMax, delayMsMax])
    assert.strictEqual(delay.failed("b", 1_000)?.delayMs, delayMsFirst)
    assert.strictEqual(delay.failed("a", 1_000 + forgetMs)?.delayMs, delayMsMax)
    assert.strictEqual(delay.failed("c", 1_000 + 3 * forgetMs)?.delayMs, delayMsFirst)
    assert.strictEqual(delay.failed("a", 1_000 + 3 * forgetMs)?.delayMs, delayMsFirst)
  })

  it("has places for so many waiting answers of one address, and for so many together", () => {
    const delay = new FailureDelay()
    const held = Array.from({ length: waitingMax.ofAddress }, () => delay.failed("a", 0))
    assert.isTrue(held.every((place) => place !== undefined))
    assert.isUndefined(delay.failed("a", 0))
    held[0]?.done()
    assert.isDefined(delay.failed("a", 0))
    for (let n = 0; delay.waiting < waitingMax.together; n++) delay.failed(`address ${n}`, 0)
    assert.isUndefined(delay.failed("one more", 0))
  })

  it("remembers a bounded number of addresses", () => {
    const delay = new FailureDelay()
    for (let n = 0; n < addressesMax * 5; n++) delay.failed(`address ${n}`, 0)?.done()
    assert.isAtMost(delay.size, addressesMax * 2)
  })

  it.live("keeps neither good credentials nor other requests waiting, and closes floods", () =>
    Effect.gen(function*() {
      const { ask, metricsUrl } = yield* servedBehind({ keys: [keyOf("k", ["admin"], [">"])] })
      const guess = ask("/v1/info", { headers: { authorization: "Bearer k.guess" } })
      const flood = yield* Effect.forEach(
        Array.from({ length: 40 }),
        () => Effect.forkChild(guess)
      )
      yield* Effect.repeat(
        askAny(`${metricsUrl}/metrics`),
        { until: ({ text }) => /auth_delayed_answers [1-8]\n/.test(text) }
      )
      const answers = yield* Effect.forEach(flood.slice(10), Fiber.join)
      const throttled = answers.filter(({ status }) => status === 429)
      assert.isAtLeast(throttled.length, 1)
      for (const { headers, json } of throttled) {
        assert.strictEqual(json.type, "/problems/credentials-throttled")
        assert.strictEqual(headers["connection"], "close")
        assert.strictEqual(headers["retry-after"], "5")
      }
      assert.strictEqual((yield* ask("/v1/info", { headers: bearer("k") })).status, 200)
      yield* Effect.forEach(flood, Fiber.interrupt)
      yield* Effect.repeat(
        askAny(`${metricsUrl}/metrics`),
        { until: ({ text }) => text.includes("auth_delayed_answers 0\n") }
      )
    }))
})
