import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { drain, publishDelayed } from "./DelayedPublishes.ts"
import { settle } from "./Deliveries.ts"
import { named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

describe("delayed messages of a former process", () => {
  it.effect("pitfall 41: are delivered at their time, those that are due at once in order", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t"))
          yield* publishDelayed(bus, [[3, 3_000], [1, 1_000], [2, 2_000], [9, 60_000]])
        }))
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          assert.strictEqual(core.delays.count, 4)
          yield* settle
          yield* settle
          assert.deepStrictEqual(yield* drain(bus), [1, 2, 3])
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(yield* drain(bus), [9])
        }))
      yield* life(
        disk,
        "closed",
        ({ core }) => Effect.sync(() => assert.strictEqual(core.delays.count, 0))
      )
    }))

  it.effect("more than fit into memory come all, once, in their order", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk({ delayMsMax: 3, failing: 0 })
      const count = 2_600
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          const creating = yield* Effect.forkChild(
            bus.createSubscription(named("s"), options("t", { ordering: "none" }))
          )
          yield* TestClock.adjust("100 millis")
          assert.isDefined(creating.pollUnsafe())
          // Neither ascending nor descending: every third, then every third, then the rest.
          const order = [0, 2, 1].flatMap((rest) =>
            Array.from({ length: count }, (_, n) => n).filter((n) => n % 3 === rest)
          )
          for (let at = 0; at < count; at += 100) {
            const part = order.slice(at, at + 100).map((n) => [n, 60_000 + n] as const)
            const publishing = yield* Effect.forkChild(publishDelayed(bus, part))
            yield* TestClock.adjust("10 millis")
            assert.isDefined(publishing.pollUnsafe())
          }
          assert.isAtMost(core.delays.window.held.length, 1_000)
        }))
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          const seen: Array<number> = []
          while (seen.length < count) { // Ends with the last one, or by the test's time limit.
            const pulling = yield* Effect.forkChild(drain(bus))
            yield* TestClock.adjust("1 seconds")
            seen.push(
              ...Option.getOrThrow(Option.fromUndefinedOr(pulling.pollUnsafe())).pipe(
                (exit) => exit._tag === "Success" ? exit.value : assert.fail("it failed")
              )
            )
          }
          assert.strictEqual(new Set(seen).size, count)
          assert.strictEqual(core.delays.count, 0)
        }))
    }))

  it.effect("are moved once the log takes something again", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t"))
          yield* publishDelayed(bus, [[1, 100]])
          disk.failNext("Full")
          yield* TestClock.adjust("200 millis")
          assert.deepStrictEqual(yield* drain(bus), [])
          yield* TestClock.adjust("2 seconds")
          assert.deepStrictEqual(yield* drain(bus), [1])
        }))
    }))
})
