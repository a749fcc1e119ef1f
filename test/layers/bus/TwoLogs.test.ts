import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, References, Scope } from "effect"
import { TestClock } from "effect/testing"
import { PermanentFailure } from "../../../src/domain/Delivery.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions, payloads } from "./Edges.ts"

const logs = [
  ["memory", () => Layer.fresh(MemoryLog.layer)],
  ["a durable log", () => blockLog()]
] as const

for (const [name, log] of logs) {
  describe(`a bus over ${name}`, () => {
    it.effect("a consumer that publishes as it is woken keeps the order for the others", () =>
      Effect.gen(function*() {
        const { bus, core } = yield* Bus.make(busOptions)
        yield* bus.createSubscription(named("a"), options("t"))
        yield* bus.createSubscription(named("b"), options("t"))
        yield* settle
        yield* Effect.forkChild(Effect.gen(function*() {
          const [one] = yield* bus.pull("a", 1, 30_000)
          yield* bus.publish(draft("t", `${one?.message.payload}-next`, { key: "k" }))
        }))
        yield* settle
        yield* bus.publishMany([draft("t", 1, { key: "k" }), draft("t", 2, { key: "k" })])
        yield* settle
        const taken = yield* bus.pull("b", 9, 0)
        assert.deepStrictEqual(payloads(taken), ["1", "2", "\"1-next\""])
        assert.deepStrictEqual((yield* bus.ack("b", taken.map(({ ackId }) => ackId))).unknown, [])
        assert.isDefined(core)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("consumers that wait do not spin over a key", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make(busOptions)
        yield* bus.createSubscription(named("a"), options("t"))
        yield* settle
        yield* bus.publishMany([1, 2, 3, 4].map((n) => draft("t", n, { key: "k" })))
        const [first] = yield* bus.pull("a", 1, 0)
        const waiting = yield* Effect.forEach(
          [1, 2, 3],
          () => Effect.forkChild(bus.pull("a", 1, 1_000))
        )
        yield* settle
        yield* bus.ack("a", [first?.ackId ?? ""])
        yield* TestClock.adjust("2 seconds")
        const all = yield* Effect.forEach(waiting, (fiber) => Fiber.join(fiber))
        assert.deepStrictEqual(all.flatMap(payloads).toSorted(), ["2"])
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("nothing is kept in memory of what settled behind one that does not", () =>
      Effect.gen(function*() {
        const { bus, core } = yield* Bus.make(busOptions)
        yield* bus.createSubscription(named("a"), options("t", { ordering: "none" }))
        yield* settle
        yield* bus.publish(draft("t", 0))
        yield* bus.pull("a", 1, 0)
        for (let n = 0; n < 30; n++) {
          yield* bus.publishMany(Array.from({ length: 100 }, (_, i) => draft("t", i)))
          yield* settle
          const taken = yield* bus.pull("a", 100, 0)
          assert.strictEqual(taken.length, 100)
          yield* bus.ack("a", taken.map(({ ackId }) => ackId))
        }
        const held = core.consumers.get("a")?.tracks.reduce(
          (sum, track) => sum + (track?.kept ?? 0),
          0
        )
        assert.isBelow(held ?? 0, 600)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("a replay ends although everything fails again at once", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make(busOptions)
        const runs = { count: 0 }
        yield* bus.handle(named("a"), options("t"), () =>
          Effect.suspend(() => {
            runs.count++
            return runs.count > 8_000
              ? Effect.void
              : Effect.fail(new PermanentFailure({ reason: "no" }))
          }))
        yield* settle
        yield* bus.publishMany(Array.from({ length: 1_000 }, (_, i) => draft("t", i)))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(runs.count, 1_000)
        const replaying = yield* Effect.forkChild(bus.replay({}, false))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* Fiber.join(replaying)).replayed, 1_000)
        assert.strictEqual(runs.count, 2_000)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("what remains after a replay is counted among what was asked for", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make(busOptions)
        yield* bus.createSubscription(named("a"), options(">", { maxAttempts: 1 }))
        yield* settle
        yield* bus.publishMany(["t", "t", "u"].map((topic) => draft(topic, 1)))
        yield* settle
        const taken = yield* bus.pull("a", 9, 0)
        yield* bus.nack("a", taken.map(({ ackId }) => ackId), undefined)
        yield* settle
        assert.deepStrictEqual(yield* bus.replay({ topic: "t" }, true), {
          replayed: 2,
          failed: 0,
          remaining: 0
        })
        assert.deepStrictEqual(yield* bus.replay({ topic: "t" }, false), {
          replayed: 2,
          failed: 0,
          remaining: 0
        })
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("after a handler left, the limits of now count and not those it came with", () =>
      Effect.gen(function*() {
        const { bus, core } = yield* Bus.make(busOptions)
        const scope = yield* Scope.make()
        yield* Scope.provide(
          bus.handle(named("a"), options("t", { maxAttempts: 2 }), () => Effect.void),
          scope
        )
        yield* bus.createSubscription(named("a"), options("t", { maxAttempts: 7 }))
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(core.consumers.get("a")?.retry.attemptsMax, 7)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("a handler that left does not take its successor of another incarnation along", () =>
      Effect.gen(function*() {
        const { bus, core } = yield* Bus.make(busOptions)
        const handler = () => Effect.void
        const first = yield* Scope.make()
        yield* Scope.provide(bus.handle(named("a"), options("t"), handler), first)
        yield* bus.deleteSubscription("a")
        yield* bus.handle(named("a"), options("t"), handler)
        yield* Scope.close(first, Exit.void)
        assert.isDefined(core.consumers.get("a")?.handler)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("a publisher is refused while a handler that leaves still runs", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make({ ...busOptions, limits: { slotsMax: 10, bytesMax: 1e6 } })
        const scope = yield* Scope.make()
        yield* Scope.provide(
          bus.handle(named("a"), options("t"), () => Effect.sleep(20_000)),
          scope
        )
        yield* settle
        yield* bus.publish(draft("t", 0))
        yield* settle
        const leaving = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* settle
        const results = (yield* Effect.forEach(
          Array.from({ length: 50 }, (_, n) => n),
          (n) => bus.publishMany([draft("t", n)])
        )).flat()
        yield* TestClock.adjust("30 seconds")
        yield* Fiber.join(leaving)
        yield* settle
        const seen = yield* bus.pull("a", 99, 0)
        assert.isBelow(results.filter(({ _tag }) => _tag === "Success").length, 20)
        assert.strictEqual(seen.length, results.filter(({ _tag }) => _tag === "Success").length)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("a consumer at its lease limit is woken by an ack", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make({
          ...busOptions,
          readAhead: { count: 20_000, bytes: 1e8, allBytes: 1e9 },
          limits: { slotsMax: 50_000, bytesMax: 1e9 }
        })
        yield* bus.createSubscription(named("a"), options("t", { ordering: "none" }))
        yield* settle
        for (let n = 0; n < 3; n++) {
          yield* bus.publishMany(Array.from({ length: 4_000 }, (_, i) => draft("t", i)))
          yield* settle
        }
        const first = yield* bus.pull("a", 5_000, 0)
        const second = yield* bus.pull("a", 5_000, 0)
        assert.strictEqual(first.length + second.length, 10_000)
        const waiting = yield* Effect.forkChild(bus.pull("a", 5, 20_000))
        yield* settle
        yield* Effect.forkChild(bus.ack("a", first.map(({ ackId }) => ackId)))
        yield* settle
        assert.isDefined(waiting.pollUnsafe())
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("goes live without losing what is published meanwhile", () =>
      Effect.gen(function*() {
        for (let ops = 16; ops < 64; ops++) {
          yield* Effect.scoped(Effect.gen(function*() {
            const { bus } = yield* Bus.make(busOptions)
            yield* bus.publish(draft("t", -1))
            const publishing = yield* Effect.forkChild(
              Effect.forEach(
                Array.from({ length: 300 }, (_, n) => n),
                (n) => Effect.andThen(bus.publish(draft("t", n)), Effect.yieldNow)
              )
            )
            yield* Effect.yieldNow
            yield* bus.createSubscription(named("a"), options("t", { from: "earliest" }))
            yield* TestClock.adjust("1 second")
            yield* Fiber.join(publishing)
            yield* settle
            const snapshot = bus.snapshot().subscriptions[0]
            const seen = yield* bus.pull("a", 999, 0)
            const numbers = seen.map(({ message }) => Number(message.payload)).toSorted((a, b) =>
              a - b
            )
            const from = numbers.find((n) => n >= 0) ?? 0
            assert.deepStrictEqual(
              numbers.filter((n) => n >= 0),
              Array.from({ length: 300 - from }, (_, n) => n + from),
              `yielding after ${ops}`
            )
            assert.isDefined(snapshot)
          })).pipe(Effect.provide(log()), Effect.provideService(References.MaxOpsBeforeYield, ops))
        }
      }))
  })
}
