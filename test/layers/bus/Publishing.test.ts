import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Ref, Result } from "effect"
import { TestClock } from "effect/testing"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

/** Attaches a handler that notes payloads, in the order of its runs. */
const noting = Effect.fnUntraced(function*(name: string, pattern: string) {
  const bus = yield* MessageBus
  const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
  yield* bus.handle(
    named(name),
    options(pattern),
    ({ payload }) => Ref.update(seen, (all) => [...all, payload])
  )
  return Ref.get(seen)
})

/** Two topics of different shards, out of two. */
const apart = (bus: MessageBus["Service"]) =>
  Effect.gen(function*() {
    const first = yield* bus.publish(draft("t0", 0))
    for (let n = 1;; n++) {
      const { shard } = yield* bus.publish(draft(`t${n}`, n))
      if (shard !== first.shard) return ["t0", `t${n}`] as const
    }
  })

describe("publishing", () => {
  it.effect("behaviours 2 and 15: each handler of a topic gets a message once", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const all = yield* Effect.forEach(["a", "b", "c"], (name) => noting(name, "start_workflow"))
      yield* bus.publish(draft("start_workflow", { n: 1 }))
      yield* settle
      for (const seen of all) assert.deepStrictEqual(yield* seen, [{ n: 1 }])
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 3: what nobody wants is accepted, counted, and leaves nothing", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("other"), options("other"))
      yield* bus.publish(draft("t", 1))
      const { shards, subscriptions, unrouted } = bus.snapshot()
      assert.strictEqual(unrouted, 1)
      assert.deepStrictEqual(shards.filter(({ bytes, slots }) => slots + bytes > 0), [])
      assert.strictEqual(subscriptions[0]?.matched, 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 5, pitfall 45: a pattern matches whole names, segment by segment", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const created = yield* noting("created", "events.*.created")
      const rest = yield* noting("rest", "events.user.>")
      for (
        const topic of [
          "events.user.created",
          "events.user.deleted",
          "events.user.created.twice",
          "events.created",
          "xevents.user.created",
          "events.user"
        ]
      ) yield* bus.publish(draft(topic, topic))
      yield* settle
      assert.deepStrictEqual(yield* created, ["events.user.created"])
      assert.deepStrictEqual((yield* rest).toSorted(), [
        "events.user.created",
        "events.user.created.twice",
        "events.user.deleted"
      ])
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 6: an exact and a pattern subscription each get a message once", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const exact = yield* noting("exact", "a.b")
      const pattern = yield* noting("pattern", "a.*")
      yield* bus.publish(draft("a.b", 1))
      yield* settle
      assert.deepStrictEqual([yield* exact, yield* pattern], [[1], [1]])
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviours 8 and 9: a batch is answered in order, item by item", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* noting("s", ">")
      const results = yield* bus.publishMany([
        draft("a", 1),
        draft("message_bus.pause", 2),
        draft("b", 3),
        draft("c", 4)
      ])
      const shown = results.map((result) =>
        Result.isSuccess(result) ? result.success.topic : result.failure._tag
      )
      assert.deepStrictEqual(shown, ["a", "TopicReserved", "b", "c"])
      assert.deepStrictEqual(yield* bus.publishMany([]), [])
      yield* settle
      assert.deepStrictEqual((yield* seen).toSorted(), [1, 3, 4])
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviours 10 and 11: what many publish at once is handled, each in order", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* noting("s", "t")
      const each = (publisher: number) =>
        Effect.forEach(
          Array.from({ length: 200 }, (_, n) => n),
          (n) => bus.publish(draft("t", [publisher, n], { key: `p${publisher}` }))
        )
      yield* Effect.forEach([0, 1, 2, 3, 4], each, { concurrency: "unbounded" })
      yield* settle
      const all = (yield* seen).map((pair) => JSON.stringify(pair))
      for (const publisher of [0, 1, 2, 3, 4]) {
        const own = all.filter((pair) => pair.startsWith(`[${publisher},`))
        const expected = Array.from({ length: 200 }, (_, n) => JSON.stringify([publisher, n]))
        assert.deepStrictEqual(own, expected)
      }
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 20, pitfalls 4 and 15: a full shard refuses, and others do not", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const [full, free] = yield* apart(bus)
      const gate = yield* Deferred.make<void>()
      yield* bus.handle(named("s"), options(">"), () => Deferred.await(gate))
      yield* bus.publishMany(Array.from({ length: 8 }, (_, n) => draft(full, n)))
      const refused = yield* Effect.flip(bus.publish(draft(full, "one more")))
      assert.strictEqual(refused._tag, "ShardFull")
      assert.strictEqual("retryAfterMs" in refused ? refused.retryAfterMs : 0, 1_000)
      yield* bus.publish(draft(free, "elsewhere"))
      assert.deepStrictEqual(bus.snapshot().refused, { ShardFull: 1 })
      assert.deepStrictEqual(bus.snapshot().shards.map(({ slots }) => slots).toSorted(), [1, 8])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      yield* bus.publish(draft(full, "room again"))
    }).pipe(Effect.provide(
      busLayer({ shardCount: 2, limits: { slotsMax: 10, bytesMax: 1_000_000 } })
    )))

  it.effect("a shard is full by bytes as well, but an empty one takes any message", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), options("t"))
      yield* bus.publish(draft("t", "x".repeat(200)))
      const refused = yield* Effect.flip(bus.publish(draft("t", "y")))
      assert.strictEqual(refused._tag, "ShardFull")
    }).pipe(Effect.provide(busLayer({ shardCount: 2, limits: { slotsMax: 9, bytesMax: 100 } }))))

  it.effect("behaviours 23 and 24: a refused publish frees its key; no key, no duplicate", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), options("t"))
      yield* bus.publish(draft("t", 0))
      const keyed = draft("t", 1, { idempotencyKey: "i" })
      assert.strictEqual((yield* Effect.flip(bus.publish(keyed)))._tag, "ShardFull")
      const [first] = yield* bus.pull("s", 1, 0)
      yield* bus.ack("s", [first?.ackId ?? ""])
      assert.isFalse((yield* bus.publish(keyed)).duplicate)
      const [second] = yield* bus.pull("s", 1, 0)
      yield* bus.ack("s", [second?.ackId ?? ""])
      assert.isFalse((yield* bus.publish(draft("t", 1))).duplicate)
    }).pipe(Effect.provide(busLayer({ limits: { slotsMax: 1, bytesMax: 1_000 } }))))

  it.effect("behaviour 22: after its hour an idempotency key makes a new message", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const same = draft("t", 1, { idempotencyKey: "i" })
      const first = yield* bus.publish(same)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* bus.publish(same)).id, first.id)
      yield* TestClock.adjust("1 minute")
      const later = yield* bus.publish(same)
      assert.isFalse(later.duplicate)
      assert.notStrictEqual(later.id, first.id)
    }).pipe(Effect.provide(busLayer())))
})
