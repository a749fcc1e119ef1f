import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Ref, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { draft, named, options } from "./Drafts.ts"

const busLayer = (more: Partial<Bus.BusOptions> = {}) =>
  Bus.layer({ ...Bus.optionsDefault, drainMs: 0, ...more }).pipe(Layer.provide(MemoryLog.layer))

/** Lets everything that can run without time passing run. */
const settle = TestClock.adjust("10 millis")

describe("publish and handle", () => {
  it.effect("behaviour 1: a handler gets the message once, with an equal payload", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
      yield* bus.handle(
        named("s"),
        options("test.topic"),
        (delivery) =>
          Ref.update(seen, (all) => [...all, [delivery.message.topic, delivery.payload]])
      )
      const accepted = yield* bus.publish(draft("test.topic", { data: "test_value" }))
      assert.isFalse(accepted.duplicate)
      yield* settle
      assert.deepStrictEqual(yield* Ref.get(seen), [["test.topic", { data: "test_value" }]])
      const [subscription] = bus.snapshot().subscriptions
      assert.strictEqual(subscription?.acked, 1)
      assert.strictEqual(subscription?.pending, 0)
      assert.strictEqual(bus.snapshot().shards.reduce((sum, { slots }) => sum + slots, 0), 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 13: keyed messages stay in order whatever time handlers take", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* Ref.make<ReadonlyArray<number>>([])
      yield* bus.handle(named("s"), options("t"), (delivery) =>
        Effect.gen(function*() {
          const n = Number(delivery.payload)
          yield* Effect.sleep((n * 7919) % 23)
          yield* Ref.update(seen, (all) => [...all, n])
        }))
      yield* bus.publishMany(Array.from({ length: 50 }, (_, n) => draft("t", n, { key: "k" })))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Ref.get(seen), Array.from({ length: 50 }, (_, n) => n))
    }).pipe(Effect.provide(busLayer())))

  it.effect("pitfall 20: a handler that fails twice is called three times, then all is well", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const calls = yield* Ref.make(0)
      yield* bus.handle(
        named("s"),
        options("t"),
        () =>
          Effect.flatMap(
            Ref.updateAndGet(calls, (n) => n + 1),
            (n) => n < 3 ? Effect.fail("no") : Effect.void
          )
      )
      yield* bus.publish(draft("t", 1))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Ref.get(calls), 3)
      assert.strictEqual(bus.snapshot().subscriptions[0]?.acked, 1)
    }).pipe(Effect.provide(busLayer())))

  it.effect("pitfall 21: a hung handler is cut off at its limit and ends in the dead letters", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const interrupted = yield* Ref.make(0)
      yield* bus.handle(
        named("s"),
        options("t", { ackTimeoutMs: 1_000, maxAttempts: 2 }),
        () => Effect.onInterrupt(Effect.never, () => Ref.update(interrupted, (n) => n + 1))
      )
      yield* bus.publish(draft("t", 1))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Ref.get(interrupted), 2)
      const [letter] = yield* bus.deadLetters({}, 0, 10)
      assert.strictEqual(letter?.attempts, 2)
      assert.include(letter?.error, "1000 ms")
      assert.strictEqual(bus.snapshot().subscriptions[0]?.pending, 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("the watchdog never hits the next message: an uninterruptible overrun takes none", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const done = yield* Ref.make<ReadonlyArray<string>>([])
      yield* bus.handle(
        named("s"),
        options("t", { ackTimeoutMs: 1_000, maxAttempts: 1 }),
        (delivery) =>
          delivery.payload === "slow"
            ? Effect.uninterruptible(Effect.sleep(5_000))
            : Effect.andThen(
              Effect.sleep(500),
              Ref.update(done, (all) => [...all, String(delivery.payload)])
            )
      )
      yield* bus.publishMany(["slow", "a", "b", "c"].map((payload) => draft("t", payload)))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual((yield* Ref.get(done)).toSorted(), ["a", "b", "c"])
      assert.strictEqual((yield* bus.deadLetters({}, 0, 10)).length, 1)
    }).pipe(Effect.provide(busLayer({ workersPerShard: 2 }))))

  it.effect("behaviour 16: of what is queued, the high lane goes first, each lane in order", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const gate = yield* Deferred.make<void>()
      const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
      yield* bus.handle(named("s"), options("t"), (delivery) =>
        delivery.payload === "first"
          ? Deferred.await(gate)
          : Ref.update(seen, (all) => [...all, delivery.payload]))
      yield* bus.publish(draft("t", "first"))
      yield* settle
      yield* bus.publishMany([1, 9, 5].map((priority) => draft("t", priority, { priority })))
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(yield* Ref.get(seen), [9, 5, 1])
    }).pipe(Effect.provide(busLayer({ workersPerShard: 1 }))))
})

describe("pull", () => {
  it.effect("leases, acknowledges and redelivers what was not acknowledged", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), options("a.>"))
      yield* bus.publishMany([1, 2, 3].map((n) => draft("a.b", n, { key: "k" })))
      const first = yield* bus.pull("s", 10, 0)
      assert.deepStrictEqual(first.map(({ message }) => message.payload), ["1", "2", "3"])
      assert.deepStrictEqual(yield* bus.pull("s", 10, 0), [])
      const ids = first.map(({ ackId }) => ackId)
      assert.deepStrictEqual(yield* bus.ack("s", [ids[0] ?? "", "nonsense"]), {
        done: 1,
        unknown: ["nonsense"]
      })
      yield* TestClock.adjust("31 seconds")
      const again = yield* bus.pull("s", 10, 0)
      assert.deepStrictEqual(again.map(({ attempt, message }) => [message.payload, attempt]), [
        ["2", 2],
        ["3", 1]
      ])
      assert.strictEqual((yield* bus.ack("s", ids.slice(1))).done, 0)
      assert.strictEqual((yield* bus.ack("s", again.map(({ ackId }) => ackId))).done, 2)
      assert.strictEqual(bus.snapshot().subscriptions[0]?.pending, 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("a replayed dead letter goes to its own subscription again, attempt 1", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), options("t", { maxAttempts: 1 }))
      yield* bus.createSubscription(named("other"), options("t"))
      yield* bus.publish(draft("t", 1))
      const [only] = yield* bus.pull("s", 1, 0)
      yield* bus.nack("s", [only?.ackId ?? ""], 0)
      assert.deepStrictEqual(yield* bus.replay({}, true), { replayed: 1, failed: 0, remaining: 0 })
      assert.strictEqual((yield* bus.deadLetters({}, 0, 10)).length, 1)
      assert.deepStrictEqual(yield* bus.replay({}, false), { replayed: 1, failed: 0, remaining: 0 })
      const [again] = yield* bus.pull("s", 1, 0)
      assert.strictEqual(again?.attempt, 1)
      assert.strictEqual((yield* bus.ack("s", [again?.ackId ?? ""])).done, 1)
      assert.strictEqual((yield* bus.pull("other", 10, 0)).length, 1)
      assert.deepStrictEqual(yield* bus.deadLetters({}, 0, 10), [])
    }).pipe(Effect.provide(busLayer())))
})

describe("deduplication", () => {
  it.effect("behaviours 21 and 23: one key is one message; a refused publish leaves no key", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const same = draft("t", 1, { idempotencyKey: "i" })
      const results = yield* bus.publishMany([same, same])
      const ids = results.map((result) => Result.isSuccess(result) ? result.success.id : "")
      assert.strictEqual(ids[0], ids[1])
      const again = yield* bus.publish(same)
      assert.isTrue(again.duplicate)
      const other = yield* Effect.flip(bus.publish(draft("t", 2, { idempotencyKey: "i" })))
      assert.strictEqual(other._tag, "IdempotencyConflict")
      assert.strictEqual(bus.snapshot().published, 1)
    }).pipe(Effect.provide(busLayer())))
})
