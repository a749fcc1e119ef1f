/**
 * The clock of the program over sources that a test moves, and over those of the platform.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as SlewedClock from "../../../../src/layers/drivers/clock/SlewedClock.ts"
import { WallOffset } from "../../../../src/services/WallOffset.ts"

const hour = 3_600_000

/** A clock whose sources say what `at` holds. */
const held = () => {
  const at = { monotonic: 500, wall: 1_795_000_000_000 }
  const clock = new SlewedClock.SlewedClock({
    monotonic: () => at.monotonic,
    wall: () => at.wall
  })
  const pass = (ms: number) => {
    at.monotonic += ms
    at.wall += ms
  }
  return { at, clock, pass }
}

describe("the clock of the program", () => {
  it("P10: goes on when the wall steps by an hour, and says how far off the wall it is", () => {
    for (const step of [hour, -hour]) {
      const { at, clock, pass } = held()
      const before = clock.currentTimeMillisUnsafe()
      pass(1_000)
      assert.isUndefined(clock.readWall())
      at.wall += step
      pass(1_000)
      assert.strictEqual(clock.currentTimeMillisUnsafe(), before + 2_000)
      assert.closeTo(clock.wallOffset(), step / 1_000, 0.001)
      const sign = step > 0 ? "+" : "-"
      assert.include(clock.readWall(), `stepped by ${sign}3600.0 s`)
      pass(10_000)
      // 500 ppm of 10 s; a fraction of a millisecond is cut off.
      assert.include([4, 5, -5, -6], clock.currentTimeMillisUnsafe() - before - 12_000)
      assert.closeTo(clock.wallOffset(), step / 1_000, 0.006)
    }
  })

  it("gives one notice a minute to a wall that steps each second", () => {
    const { at, clock, pass } = held()
    const notices = Array.from({ length: 121 }, (_, second) => {
      pass(1_000)
      at.wall += second % 2 === 0 ? 5_000 : -5_000
      return clock.readWall()
    })
    assert.strictEqual(notices.filter((notice) => notice !== undefined).length, 3)
  })

  it("tells the same time in milliseconds and nanoseconds", () => {
    const { clock, pass } = held()
    pass(1_234.567_8)
    assert.strictEqual(clock.currentTimeNanosUnsafe(), 1_795_000_001_234_567_000n)
    assert.strictEqual(clock.currentTimeMillisUnsafe(), 1_795_000_001_234)
    assert.strictEqual(clock.monotonicTimeNanosUnsafe(), 1_734_567_800n)
  })

  it.live("sleeps until it is due by itself, never shorter, and ends a sleep that is cut off", () =>
    Effect.gen(function*() {
      const clock = new SlewedClock.SlewedClock()
      for (const ms of [0, 1, 3, 20]) {
        const before = clock.currentTimeMillisUnsafe()
        yield* Effect.provideService(Effect.sleep(ms), Clock.Clock, clock)
        assert.isAtLeast(clock.currentTimeMillisUnsafe(), before + ms)
      }
      const asleep = yield* Effect.forkChild(
        Effect.provideService(Effect.sleep("30 days"), Clock.Clock, clock),
        { startImmediately: true }
      )
      yield* Fiber.interrupt(asleep)
    }))

  it.live("is provided in place of the platform's clock, with its offset", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      assert.instanceOf(clock, SlewedClock.SlewedClock)
      assert.closeTo((yield* WallOffset)(), 0, 3_600)
    }).pipe(Effect.provide(Layer.fresh(SlewedClock.layer))))

  it.effect("leaves the clock of a test in place", () =>
    Effect.gen(function*() {
      const before = yield* Clock.currentTimeMillis
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Clock.currentTimeMillis) - before, hour)
      assert.strictEqual((yield* WallOffset)(), 0)
    }).pipe(Effect.provide(SlewedClock.layer)))
})
