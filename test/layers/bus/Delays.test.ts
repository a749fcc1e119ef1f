import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Layer, Option, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import type { MessageBus } from "../../../src/services/MessageBus.ts"
import { drain, publishDelayed } from "./DelayedPublishes.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions } from "./Edges.ts"

const logs = [
  ["memory", () => Layer.fresh(MemoryLog.layer)],
  ["a durable log", () => blockLog()]
] as const

for (const [name, log] of logs) {
  describe(`delayed messages over ${name}`, () => {
    it.effect("come in the order in which they are due, and none before its time", () =>
      Effect.gen(function*() {
        const { bus, core } = yield* Bus.make(busOptions)
        yield* bus.createSubscription(named("s"), options("t"))
        const results = yield* publishDelayed(bus, [[3, 300], [1, 100], [2, 200], [0, 0], [4, -5]])
        assert.isTrue(results.every(Result.isSuccess))
        yield* settle
        assert.deepStrictEqual(yield* drain(bus), [0, 4])
        assert.strictEqual(core.delays.count, 3)
        yield* TestClock.adjust("89 millis")
        assert.deepStrictEqual(yield* drain(bus), [])
        yield* TestClock.adjust("1 millis")
        yield* settle
        assert.deepStrictEqual(yield* drain(bus), [1])
        yield* TestClock.adjust("1 seconds")
        assert.deepStrictEqual(yield* drain(bus), [2, 3])
        assert.deepStrictEqual([core.delays.count, core.delays.bytes], [0, 0])
        const [subscription] = bus.snapshot().subscriptions
        assert.deepStrictEqual([subscription?.matched, subscription?.pending], [5, 0])
        assert.strictEqual(bus.snapshot().messageAge.counts.slice(0, 10).reduce((a, b) => a + b), 5)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("an earlier one that is published later overtakes", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make(busOptions)
        yield* bus.createSubscription(named("s"), options("t"))
        yield* publishDelayed(bus, [[2, 60_000]])
        yield* TestClock.adjust("1 seconds")
        yield* publishDelayed(bus, [[1, 1_000]])
        yield* TestClock.adjust("1 seconds")
        yield* settle
        assert.deepStrictEqual(yield* drain(bus), [1])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* drain(bus), [2])
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("`from: now` counts from when they enter the log", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make(busOptions)
        yield* publishDelayed(bus, [[1, 500]])
        yield* TestClock.adjust("100 millis")
        yield* bus.createSubscription(named("s"), options("t"))
        yield* TestClock.adjust("1 seconds")
        assert.deepStrictEqual(yield* drain(bus), [1])
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("behaviours 21 and 22: a key counts from acceptance, also while they wait", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make({
          ...busOptions,
          claims: { keysMax: 1_000, ttlMs: 6_000 }
        })
        yield* bus.createSubscription(named("s"), options("t"))
        const now = yield* Clock.currentTimeMillis
        const keyed = draft("t", 1, { idempotencyKey: "k", deliverAt: now + 3_000 })
        const first = yield* bus.publish(keyed)
        const repeat = { ...keyed, deliverAt: now + 3_001 }
        assert.deepStrictEqual(yield* bus.publish(repeat), { ...first, duplicate: true })
        yield* TestClock.adjust("3500 millis")
        assert.deepStrictEqual(yield* drain(bus), [1])
        assert.strictEqual((yield* bus.publish({ ...keyed, deliverAt: undefined })).duplicate, true)
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(
          (yield* bus.publish({ ...keyed, deliverAt: undefined })).duplicate,
          false
        )
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("are found by their id while they wait, and after", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make(busOptions)
        yield* bus.createSubscription(named("s"), options("t"))
        yield* settle
        const accepted = yield* bus.publish(draft("t", 1, { deliverAt: 1_000 }))
        const waiting = Option.getOrThrow(yield* bus.status(accepted.id))
        assert.deepStrictEqual([waiting.state, waiting.shard], ["delayed", accepted.shard])
        assert.deepStrictEqual(waiting.deliveries, [])
        yield* TestClock.adjust("1 seconds")
        yield* settle
        const stored = Option.getOrThrow(yield* bus.status(accepted.id))
        assert.deepStrictEqual([stored.state, stored.deliveries.length], ["stored", 1])
        assert.deepStrictEqual(stored.message, waiting.message)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("one that expires before it is due is refused, and so is one too many", () =>
      Effect.gen(function*() {
        const { bus, core } = yield* Bus.make({ ...busOptions, delayedMax: 2 })
        const late = { deliverAt: 1_000, expiresAt: 1_000 }
        const invalid = yield* Effect.flip(bus.publish(draft("t", 1, late)))
        assert.deepStrictEqual([invalid._tag, Reflect.get(invalid, "field")], [
          "MessageInvalid",
          "expiresAt"
        ])
        const results = yield* publishDelayed(bus, [[1, 100], [2, 100], [3, 100], [4, 0]])
        const tags = results.map((result) =>
          Result.isFailure(result) ? result.failure._tag : "accepted"
        )
        assert.deepStrictEqual(tags, ["accepted", "accepted", "DelayedLimit", "accepted"])
        assert.strictEqual(core.delays.count, 2)
        yield* TestClock.adjust("200 millis")
        assert.isTrue((yield* publishDelayed(bus, [[5, 100]])).every(Result.isSuccess))
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("wait at a full shard, in their order, and others do not wait for them", () =>
      Effect.gen(function*() {
        const limits = { slotsMax: 2, bytesMax: 1_048_576 }
        const { bus, core } = yield* Bus.make({ ...busOptions, limits })
        const other = yield* topicOfAnotherShard(bus)
        const handled: Array<unknown> = []
        const gate = yield* Deferred.make<void>()
        yield* bus.handle(named("s"), options(">"), ({ message, payload }) =>
          Effect.andThen(
            message.topic === "t" ? Deferred.await(gate) : Effect.void,
            Effect.sync(() => handled.push(payload))
          ))
        yield* settle
        const deliverAt = (yield* Clock.currentTimeMillis) + 100
        yield* bus.publishMany([3, 4].map((n) => draft("t", n, { deliverAt: deliverAt + n })))
        yield* bus.publish(draft(other, 5, { deliverAt: deliverAt + 5 }))
        yield* bus.publishMany([1, 2].map((n) => draft("t", n, { key: "k" })))
        yield* TestClock.adjust("200 millis")
        const before = [[...handled], core.delays.count]
        yield* Deferred.succeed(gate, undefined)
        yield* TestClock.adjust("1 seconds")
        assert.deepStrictEqual(before, [[5], 2])
        assert.deepStrictEqual(handled, [5, 1, 2, 3, 4])
        assert.strictEqual(core.delays.count, 0)
      }).pipe(Effect.scoped, Effect.provide(log())))
  })
}

const topicOfAnotherShard = (bus: MessageBus["Service"]) =>
  Effect.gen(function*() {
    const { shard } = yield* bus.publish(draft("t", 0))
    for (let n = 0;; n++) {
      if ((yield* bus.publish(draft(`o${n}`, 0))).shard !== shard) return `o${n}`
    }
  })
