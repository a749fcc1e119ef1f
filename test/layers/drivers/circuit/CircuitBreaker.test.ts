import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { circuitPolicyDefault } from "../../../../src/domain/Circuit.ts"
import * as CircuitBreaker from "../../../../src/layers/drivers/circuit/CircuitBreaker.ts"

const made = CircuitBreaker.make("the moon", circuitPolicyDefault)
const down = Effect.fail("down" as const)
const isDown = (error: string) => error === "down"

describe("a circuit breaker", () => {
  it.effect("makes no call while it is open, and says when to come back", () =>
    Effect.gen(function*() {
      const { openings, protect, state } = yield* made
      const counts = { calls: 0 }
      const call = Effect.suspend(() => {
        counts.calls++
        return down
      })
      for (let at = 0; at < 5; at++) yield* Effect.flip(protect(call, isDown))
      const refused = yield* Effect.flip(protect(call, isDown))
      assert.deepInclude(refused, { _tag: "CircuitOpen", dependency: "the moon" })
      assert.deepStrictEqual([counts.calls, openings(), state()], [5, 1, "Open"])
    }))

  it.effect("an error that is no failure of the dependency does not count", () =>
    Effect.gen(function*() {
      const { protect, state } = yield* made
      for (let at = 0; at < 9; at++) yield* Effect.flip(protect(Effect.fail("taken"), isDown))
      assert.strictEqual(state(), "Closed")
    }))

  it.effect("an interrupted trial gives its place back (pitfall 28)", () =>
    Effect.gen(function*() {
      const { protect, state } = yield* made
      for (let at = 0; at < 5; at++) yield* Effect.flip(protect(down, isDown))
      yield* TestClock.adjust("60 seconds")
      const trial = yield* Effect.forkChild(protect(Effect.never, isDown), {
        startImmediately: true
      })
      assert.deepInclude(yield* Effect.flip(protect(down, isDown)), { _tag: "CircuitOpen" })
      yield* Fiber.interrupt(trial)
      for (let at = 0; at < 3; at++) yield* protect(Effect.void, isDown)
      assert.strictEqual(state(), "Closed")
    }))

  it.effect("many failures at once open it once (behaviour 63)", () =>
    Effect.gen(function*() {
      const { openings, protect, state } = yield* made
      const call = Effect.andThen(Effect.yieldNow, down)
      const calls = Array.from({ length: 50 }, () => Effect.exit(protect(call, isDown)))
      const exits = yield* Effect.all(calls, { concurrency: "unbounded" })
      assert.isTrue(exits.every(Exit.isFailure))
      assert.deepStrictEqual([state(), openings()], ["Open", 1])
    }))

  it.effect("a policy that cannot work is a bug of the program", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        CircuitBreaker.make("x", { ...circuitPolicyDefault, failuresMax: 0 })
      )
      assert.isTrue(Exit.hasDies(exit))
    }))
})
