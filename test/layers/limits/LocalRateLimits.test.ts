import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { layer } from "../../../src/layers/limits/LocalRateLimits.ts"
import { RateLimits } from "../../../src/services/RateLimits.ts"
import { rateLimitsContract } from "../../contracts/RateLimitsContract.ts"

rateLimitsContract("LocalRateLimits", layer)

const window = Duration.seconds(60)

const using = <A>(
  limit: number,
  clientsMax: number,
  use: (limits: RateLimits["Service"]) => Effect.Effect<A>
) => Effect.provide(RateLimits.use(use), layer({ limit, window, clientsMax }))

const takeAll = (limits: RateLimits["Service"], from: number, to: number) =>
  Effect.forEach(
    Array.from({ length: to - from }, (_, n) => n + from),
    (n) => limits.take(`client ${n}`)
  )

describe("clients of the local limiter", () => {
  it.effect("at the limit the one idle for longest goes, counted, and starts anew", () =>
    using(
      1,
      3,
      Effect.fnUntraced(function*(limits) {
        yield* takeAll(limits, 0, 3)
        yield* limits.take("client 0") // Refused, and yet the newest now.
        yield* limits.take("client 3")
        assert.deepStrictEqual(limits.counts(), { clients: 3, refused: 1, evicted: 1 })
        assert.isFalse((yield* limits.take("client 0")).allowed)
        assert.isFalse((yield* limits.take("client 2")).allowed)
        assert.isTrue((yield* limits.take("client 1")).allowed)
      })
    ))

  it.effect("pitfall 36: idle ones go first and uncounted, so they never gather", () =>
    using(
      10,
      1_000,
      Effect.fnUntraced(function*(limits) {
        yield* takeAll(limits, 0, 1_000)
        yield* TestClock.adjust(window)
        yield* takeAll(limits, 1_000, 1_500)
        assert.deepStrictEqual(limits.counts(), { clients: 500, refused: 0, evicted: 0 })
      })
    ))

  it.effect("pitfall 36: 200,000 clients are held in 100,000, at constant cost", () =>
    using(
      10,
      100_000,
      Effect.fnUntraced(function*(limits) {
        yield* takeAll(limits, 0, 200_000)
        assert.deepStrictEqual(limits.counts(), { clients: 100_000, refused: 0, evicted: 100_000 })
      })
    ))

  it.effect("pitfall 36: 100,000 requests of one client within a window are kept as counts", () =>
    using(
      1_000_000,
      10,
      Effect.fnUntraced(function*(limits) {
        for (let call = 0; call < 100_000; call++) {
          if (call % 1_000 === 0) yield* TestClock.adjust(Duration.millis(500))
          yield* limits.take("a")
        }
        assert.strictEqual((yield* limits.take("a")).remaining, 1_000_000 - 100_001)
      })
    ))
})
