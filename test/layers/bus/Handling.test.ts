import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import { PermanentFailure } from "../../../src/domain/Delivery.ts"
import { type Delivery, MessageBus } from "../../../src/services/MessageBus.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** A list that handlers append to. */
const notes = Effect.map(Ref.make<ReadonlyArray<unknown>>([]), (ref) => ({
  add: (item: unknown) => Ref.update(ref, (all) => [...all, item]),
  all: Ref.get(ref)
}))

describe("handlers", () => {
  it.effect("behaviour 4: a detached one is not called; what comes waits and can be pulled", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      const scope = yield* Scope.make()
      const handle = bus.handle(named("s"), options("t"), ({ payload }) => seen.add(payload))
      yield* Scope.provide(handle, scope)
      yield* bus.publish(draft("t", 1))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      yield* bus.publish(draft("t", 2))
      yield* settle
      assert.deepStrictEqual(yield* seen.all, [1])
      const pulled = yield* bus.pull("s", 10, 0)
      assert.deepStrictEqual(pulled.map(({ message }) => message.payload), ["2"])
      const unknown = yield* Effect.flip(bus.deleteSubscription("nobody"))
      assert.strictEqual(unknown._tag, "SubscriptionUnknown")
    }).pipe(Effect.provide(busLayer())))

  it.effect("one that is attached gets what waited before it came, in order", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      yield* bus.createSubscription(named("s"), options("t"))
      yield* bus.publishMany(numbers(20).map((n) => draft("t", n, { key: "k" })))
      yield* bus.pull("s", 3, 0)
      yield* bus.handle(
        named("s"),
        options("t"),
        ({ attempt, payload }) => seen.add(`${payload}/${attempt}`)
      )
      yield* settle
      // Leases that were taken over count for nothing.
      assert.deepStrictEqual(yield* seen.all, numbers(20).map((n) => `${n}/1`))
      assert.strictEqual(bus.snapshot().subscriptions[0]?.pending, 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("two cannot have one subscription, and nobody can pull beside one", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const handle = bus.handle(named("s"), options("t"), () => Effect.void)
      yield* handle
      assert.strictEqual((yield* Effect.flip(handle))._tag, "SubscriptionHandled")
      assert.strictEqual((yield* Effect.flip(bus.pull("s", 1, 0)))._tag, "SubscriptionHandled")
    }).pipe(Effect.provide(busLayer())))

  it.effect("pitfall 45: a handler may subscribe another one", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      const scope = yield* Effect.scope
      yield* bus.handle(named("a"), options("t"), () =>
        bus.handle(named("b"), options("u"), ({ payload }) =>
          seen.add(payload)).pipe(
            Scope.provide(scope)
          ))
      yield* bus.publish(draft("t", 1))
      yield* settle
      yield* bus.publish(draft("u", 2))
      yield* settle
      assert.deepStrictEqual(yield* seen.all, [2])
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 12: one that throws for some messages handles all the others", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      yield* bus.handle(
        named("s"),
        options("t", { maxAttempts: 2 }),
        ({ payload }) =>
          Effect.suspend(() => {
            if (Number(payload) % 3 === 0) throw new Error("not this one")
            return seen.add(payload)
          })
      )
      yield* bus.publishMany(numbers(30).map((n) => draft("t", n)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* seen.all).length, 20)
      assert.deepStrictEqual(bus.snapshot().callbackErrors, [["t", 20]])
      assert.strictEqual(bus.snapshot().subscriptions[0]?.deadLettered, 10)
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 19, pitfall 3: no more of them run at once than a shard has workers", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const running = { now: 0, most: 0 }
      yield* bus.handle(named("s"), options("t"), () => {
        running.most = Math.max(running.most, ++running.now)
        return Effect.andThen(Effect.sleep(1_000), Effect.sync(() => running.now--))
      })
      yield* bus.publishMany(numbers(20).map((n) => draft("t", n)))
      yield* settle
      const queued = bus.snapshot().shards.reduce((sum, shard) => sum + shard.queued.normal, 0)
      assert.deepStrictEqual([running.now, queued], [4, 16])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(running.most, 4)
      assert.strictEqual(bus.snapshot().subscriptions[0]?.acked, 20)
    }).pipe(Effect.provide(busLayer({ workersPerShard: 4 }))))

  it.effect("pitfall 5, behaviour 17: high ones go first, and no lane is sorted", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      yield* bus.createSubscription(named("s"), options("t"))
      yield* bus.publishMany([0, 5, 9, 4].map((priority) => draft("t", priority, { priority })))
      yield* bus.handle(named("s"), options("t"), ({ payload }) => seen.add(payload))
      yield* settle
      assert.deepStrictEqual(yield* seen.all, [5, 9, 0, 4])
    }).pipe(Effect.provide(busLayer({ shardCount: 2, workersPerShard: 1 }))))

  it.effect("pitfall 7: messages of one key keep their order with four workers", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      yield* bus.handle(
        named("s"),
        options("t"),
        ({ payload }) =>
          Effect.andThen(Effect.sleep((Number(payload) * 31) % 17), seen.add(payload))
      )
      yield* bus.publishMany(numbers(40).map((n) => draft("t", n, { key: `k${n % 2}` })))
      yield* TestClock.adjust("1 minute")
      const all = (yield* seen.all).map(Number)
      for (const rest of [0, 1]) {
        const own = all.filter((n) => n % 2 === rest)
        assert.deepStrictEqual(own, own.toSorted((a, b) => a - b))
      }
    }).pipe(Effect.provide(busLayer({ workersPerShard: 4 }))))

  it.effect("pitfalls 19 and 23: what fails is retried, then dead; it delays only its key", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      yield* bus.handle(
        named("s"),
        options("t", { maxAttempts: 3 }),
        ({ payload }: Delivery) => payload === "poison" ? Effect.fail("no") : seen.add(payload)
      )
      yield* bus.publish(draft("t", "poison", { key: "a", priority: 0 }))
      yield* bus.publish(draft("t", "behind", { key: "a" }))
      yield* bus.publish(draft("t", "beside", { key: "b" }))
      yield* settle
      assert.deepStrictEqual(yield* seen.all, ["beside"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* seen.all, ["beside", "behind"])
      const [letter] = yield* bus.deadLetters({}, 0, 10)
      assert.strictEqual(letter?.attempts, 3)
    }).pipe(Effect.provide(busLayer())))

  it.effect("a permanent failure is dead after one attempt", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.handle(named("s"), options("t"), () =>
        Effect.fail(new PermanentFailure({ reason: "it has no owner" })))
      yield* bus.publish(draft("t", 1))
      yield* settle
      const [letter] = yield* bus.deadLetters({}, 0, 10)
      assert.deepStrictEqual([letter?.reason, letter?.attempts], ["Permanent", 1])
      assert.include(letter?.error, "it has no owner")
    }).pipe(Effect.provide(busLayer())))

  it.effect("a message past its time is not handed out any more, and counted", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* notes
      const gate = yield* Deferred.make<void>()
      yield* bus.handle(
        named("s"),
        options("t"),
        ({ payload }) => Effect.andThen(seen.add(payload), Deferred.await(gate))
      )
      const drafts = [undefined, 50, 5_000].map((expiresAt, n) =>
        draft("t", n, { key: "k", expiresAt })
      )
      yield* bus.publishMany(drafts)
      yield* TestClock.adjust("100 millis")
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(yield* seen.all, [0, 2])
      const [subscription] = bus.snapshot().subscriptions
      assert.deepStrictEqual([subscription?.expired, subscription?.pending], [1, 0])
    }).pipe(Effect.provide(busLayer())))
})
