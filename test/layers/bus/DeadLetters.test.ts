import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { busLayer } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

/** Publishes and fails one message after another, a second apart. */
const bury = Effect.fnUntraced(function*(name: string, payloads: ReadonlyArray<string>) {
  const bus = yield* MessageBus
  for (const payload of payloads) {
    const trace = { traceparent: "00-trace", headers: `{"a":"1"}`, key: "k" }
    yield* bus.publish(draft("t", payload, trace))
    const [delivery] = yield* bus.pull(name, 1, 0)
    yield* bus.nack(name, [delivery?.ackId ?? ""], 0)
    yield* TestClock.adjust("1 second")
  }
  return yield* bus.deadLetters({}, 0, 100)
})

const once = options("t", { maxAttempts: 1 })

describe("dead letters", () => {
  it.effect("behaviour 65, pitfall 24: keep all of the message, each failure by itself", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), once)
      const letters = yield* bury("s", ["one", "two"])
      assert.deepStrictEqual(letters.map(({ message }) => message.payload), ["\"one\"", "\"two\""])
      const [letter, other] = letters
      assert.notStrictEqual(letter?.id, other?.id)
      assert.strictEqual(letter?.subscription, "s")
      assert.deepStrictEqual([letter?.reason, letter?.attempts, letter?.failedAt], [
        "AttemptsExhausted",
        1,
        0
      ])
      const { headers, key, topic, traceparent } = letter?.message ?? {}
      assert.deepStrictEqual([topic, key, headers, traceparent], [
        "t",
        "k",
        `{"a":"1"}`,
        "00-trace"
      ])
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 70, pitfalls 22 and 25: a replay takes what is asked, once", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), once)
      yield* bury("s", ["old", "young", "younger"])
      const young = { failedSince: 1_000 }
      const none = { replayed: 0, failed: 0, remaining: 1 }
      assert.deepStrictEqual(yield* bus.replay(young, true), {
        replayed: 2,
        failed: 0,
        remaining: 1
      })
      assert.deepStrictEqual(yield* bus.replay(young, false), { ...none, replayed: 2 })
      assert.deepStrictEqual(yield* bus.replay(young, false), none)
      const ofOther = yield* bus.replay({ topic: "other" }, false)
      assert.deepStrictEqual(ofOther, { replayed: 0, failed: 0, remaining: 0 })
      const again = yield* bus.pull("s", 10, 0)
      assert.deepStrictEqual(again.map(({ attempt, message }) => [message.payload, attempt]), [
        ["\"young\"", 1],
        ["\"younger\"", 1]
      ])
      const [kept] = yield* bus.deadLetters({}, 0, 10)
      assert.strictEqual(kept?.message.payload, "\"old\"")
    }).pipe(Effect.provide(busLayer())))

  it.effect("pitfall 25: two replays at the same time deliver a message once", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), once)
      yield* bury("s", ["one"])
      const results = yield* Effect.all([bus.replay({}, false), bus.replay({}, false)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(results.map(({ replayed }) => replayed), [1, 0])
      assert.strictEqual((yield* bus.pull("s", 10, 0)).length, 1)
      assert.strictEqual(bus.snapshot().subscriptions[0]?.deadLetters, 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("behaviour 69: failures of all kinds end as letters, and the bus goes on", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const ways = [Effect.fail("fails"), Effect.die("dies"), Effect.interrupt]
      yield* bus.handle(named("s"), once, ({ payload }) => ways[Number(payload)] ?? Effect.void)
      yield* bus.publishMany([0, 1, 2, 3].map((n) => draft("t", n)))
      yield* TestClock.adjust("1 second")
      const letters = yield* bus.deadLetters({}, 0, 10)
      assert.deepStrictEqual(letters.map(({ message }) => message.payload).toSorted(), [
        "0",
        "1",
        "2"
      ])
      assert.strictEqual(bus.snapshot().subscriptions[0]?.acked, 1)
    }).pipe(Effect.provide(busLayer())))

  it.effect("an edited one is delivered with its new payload under a new id", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), once)
      const [letter] = yield* bury("s", ["wrong"])
      yield* bus.editDeadLetter(letter?.id ?? 0, "\"right\"")
      yield* bus.replay({}, false)
      const [again] = yield* bus.pull("s", 1, 0)
      assert.strictEqual(again?.message.payload, "\"right\"")
      assert.strictEqual(again?.message.replayOf, letter?.message.id)
      assert.notStrictEqual(again?.message.id, letter?.message.id)
      const unknown = yield* Effect.flip(bus.editDeadLetter(99, "1"))
      assert.strictEqual(unknown._tag, "DeadLetterUnknown")
    }).pipe(Effect.provide(busLayer())))

  it.effect("deleting takes what the filter names, and with a subscription all of its own", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), once)
      const letters = yield* bury("s", ["one", "two"])
      assert.strictEqual(yield* bus.deleteDeadLetters({ ids: [letters[0]?.id ?? 0] }), 1)
      assert.strictEqual((yield* bus.deadLetters({}, 0, 10)).length, 1)
      yield* bus.deleteSubscription("s")
      assert.deepStrictEqual(yield* bus.deadLetters({}, 0, 10), [])
    }).pipe(Effect.provide(busLayer())))
})
