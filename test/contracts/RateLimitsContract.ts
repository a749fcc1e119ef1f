/**
 * What every rate limiter keeps, as one suite for all of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, type Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { RateLimits } from "../../src/services/RateLimits.ts"

/** What a limiter under test is told. */
export interface Asked {
  readonly limit: number
  readonly window: Duration.Duration
}

/** The suite. `make` gives a limiter that knows no client yet; `pass` lets its time pass. */
export const rateLimitsContract = (
  name: string,
  make: (asked: Asked) => Layer.Layer<RateLimits, never, Scope.Scope>,
  pass: (ms: number) => Effect.Effect<void> = (ms) => TestClock.adjust(Duration.millis(ms))
) => {
  const limited = <A, E>(
    limit: number,
    use: (limits: RateLimits["Service"]) => Effect.Effect<A, E>
  ) =>
    Effect.scoped(
      Effect.provide(RateLimits.use(use), make({ limit, window: Duration.seconds(60) }))
    )

  const takeMany = (limits: RateLimits["Service"], client: string, count: number) =>
    Effect.map(
      Effect.forEach(Array.from({ length: count }), () => limits.take(client)),
      (taken) => taken.filter(({ allowed }) => allowed).length
    )

  describe(name, () => {
    it.effect("behaviour 28: lets in n per window and says when the next may come", () =>
      limited(
        2,
        Effect.fnUntraced(function*(limits) {
          // One that answers without an effect counts in the same window.
          const first = limits.takeNow?.("a") ?? (yield* limits.take("a"))
          assert.deepStrictEqual([first.allowed, first.limit, first.remaining], [true, 2, 1])
          yield* limits.take("a")
          const refused = yield* limits.take("a")
          assert.deepStrictEqual([refused.allowed, refused.remaining], [false, 0])
          assert.isAbove(refused.resetMs, 0)
          assert.isAtMost(refused.resetMs, 60_000)
          assert.strictEqual(limits.counts().refused, 1)
          yield* pass(refused.resetMs)
          assert.isTrue((yield* limits.take("a")).allowed)
        })
      ))

    it.effect("behaviour 29: once the window has passed, all n pass again", () =>
      limited(
        5,
        Effect.fnUntraced(function*(limits) {
          assert.strictEqual(yield* takeMany(limits, "a", 9), 5)
          yield* pass(60_000)
          assert.strictEqual(yield* takeMany(limits, "a", 9), 5)
        })
      ))

    it.effect("behaviour 30: what one client takes, no other lacks", () =>
      limited(
        5,
        Effect.fnUntraced(function*(limits) {
          assert.strictEqual(yield* takeMany(limits, "a", 9), 5)
          assert.strictEqual(yield* takeMany(limits, "b", 9), 5)
        })
      ))

    it.effect("pitfall 37: of 50 requests in one millisecond under a limit of 10, 10 pass", () =>
      limited(
        10,
        (limits) =>
          Effect.map(takeMany(limits, "a", 50), (passed) => assert.strictEqual(passed, 10))
      ))

    it.effect("a client may have a limit of its own, and 0 lets all in", () =>
      limited(
        5,
        Effect.fnUntraced(function*(limits) {
          const own = yield* Effect.forEach([1, 2], () => limits.take("own", 1))
          assert.deepStrictEqual(own.map(({ allowed }) => allowed), [true, false])
          const free = yield* Effect.forEach(
            Array.from({ length: 20 }),
            () => limits.take("free", 0)
          )
          assert.isTrue(free.every(({ allowed }) => allowed))
        })
      ))
  })
}
