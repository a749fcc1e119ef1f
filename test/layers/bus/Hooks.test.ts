import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Ref, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Draft } from "../../../src/domain/Message.ts"
import { afterHookQueueMax, hooksMax } from "../../../src/services/Hooks.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

/** Notes payloads that reach a handler, with their context. */
const noting = Effect.fnUntraced(function*(bus: MessageBus["Service"]) {
  const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
  yield* bus.handle(
    named("s"),
    options(">"),
    ({ context, message, payload }) =>
      Ref.update(seen, (all) => [...all, [message.topic, payload, context]])
  )
  return Ref.get(seen)
})

/** A hook that appends a letter to the payload, a text. */
const append = (letter: string) => (given: Draft): Draft => ({
  ...given,
  payload: JSON.stringify(JSON.parse(given.payload) + letter)
})

const tagOf = <A, E extends { readonly _tag: string }>(result: Result.Result<A, E>) =>
  Result.isSuccess(result) ? "accepted" : result.failure._tag

describe("hooks before a publish", () => {
  it.effect("run in order, plain or effects; what they return is delivered (behaviour 39)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* noting(bus)
      yield* bus.hooks.before("a", append("a"))
      yield* bus.hooks.before("b", (given) => Effect.delay(Effect.succeed(append("b")(given)), 10))
      yield* bus.hooks.before("c", (given) => ({ ...given, context: `{"by":"c"}` }))
      const published = yield* Effect.forkChild(bus.publish(draft("t", "x")))
      yield* TestClock.adjust("10 millis")
      yield* Fiber.join(published)
      yield* settle
      assert.deepStrictEqual(yield* seen, [["t", "xab", { by: "c" }]])
    }).pipe(Effect.provide(busLayer())))

  it.effect("may send the message to another topic, checked like any", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* noting(bus)
      const to = (topic: string) => (given: Draft) => ({ ...given, topic: draft(topic, 1).topic })
      const scope = yield* Scope.make()
      yield* Scope.provide(bus.hooks.before("route", to("other")), scope)
      assert.strictEqual((yield* bus.publish(draft("t", 1))).topic, "other")
      yield* Scope.close(scope, Exit.void)
      yield* bus.hooks.before("hijack", to("message_bus.x"))
      assert.strictEqual((yield* Effect.flip(bus.publish(draft("t", 1))))._tag, "TopicReserved")
      yield* settle
      assert.deepStrictEqual(yield* seen, [["other", 1, {}]])
    }).pipe(Effect.provide(busLayer())))

  const failing: ReadonlyArray<readonly [string, (given: Draft) => unknown, string]> = [
    ["throws what has no words", () => {
      throw Object.create(null)
    }, "cannot be shown"],
    ["throws", () => {
      throw new Error("no paper")
    }, "no paper"],
    ["fails", () => Effect.fail("no ink"), "no ink"],
    ["dies", () => Effect.die(new Error("no fire")), "no fire"],
    ["interrupts itself", () => Effect.interrupt, ""],
    ["returns nothing", () => undefined, "no draft"],
    ["returns a promise", () => Promise.resolve(1), "no draft"],
    ["returns a bad topic", (given) => ({ ...given, topic: "no topic" }), "topic"],
    ["returns no JSON", (given) => ({ ...given, payload: "{" }), "payload"],
    ["returns a bad key", (given) => ({ ...given, key: "" }), "key"],
    ["returns a bad priority", (given) => Effect.succeed({ ...given, priority: 10 }), "priority"],
    ["returns bad headers", (given) => ({ ...given, headers: `{"a":1}` }), "headers"],
    ["returns a bad context", (given) => ({ ...given, context: "[]" }), "context"],
    [
      "returns too much",
      (given) => ({ ...given, payload: `"${"x".repeat(1_048_575)}"` }),
      "payload"
    ]
  ]
  it.effect.each(failing)(
    "one that %s refuses the publish by its name; nothing is stored or claimed (behaviour 40)",
    ([, hook, reason]) =>
      Effect.gen(function*() {
        const bus = yield* MessageBus
        const seen = yield* noting(bus)
        const scope = yield* Scope.make()
        const wrong = hook as (given: Draft) => Draft // Programs without types may do anything.
        yield* bus.hooks.before("fine", (given) => given)
        yield* Scope.provide(bus.hooks.before("audit", wrong), scope)
        const keyed = draft("t", 1, { idempotencyKey: "i" })
        const refused = yield* Effect.flip(bus.publish(keyed))
        assert.strictEqual(refused._tag === "HookRefused" && refused.hook, "audit")
        assert.include(refused._tag === "HookRefused" ? refused.reason : "", reason)
        const batch = yield* bus.publishMany([keyed, draft("t", 2)])
        assert.deepStrictEqual(batch.map(tagOf), ["HookRefused", "HookRefused"])
        const { idempotency, published, refused: counts, shards } = bus.snapshot()
        assert.deepStrictEqual([idempotency.keys, idempotency.inFlight, published], [0, 0, 0])
        assert.deepStrictEqual(counts, { HookRefused: 3 })
        const [decision] = bus.decisions({ subject: "hook audit" }, -1, 10)
        assert.deepStrictEqual([decision?.kind, decision?.outcome], ["refusal", "HookRefused"])
        assert.isTrue(shards.every(({ slots }) => slots === 0))
        yield* Scope.close(scope, Exit.void)
        assert.isFalse((yield* bus.publish(keyed)).duplicate)
        yield* settle
        assert.deepStrictEqual(yield* seen, [["t", 1, {}]])
      }).pipe(Effect.provide(busLayer()))
  )

  it.effect("one that takes longer than its limit of 5 s refuses the publish", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.hooks.before("slow", () => Effect.never)
      const published = yield* Effect.forkChild(Effect.flip(bus.publish(draft("t", 1))))
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(published.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const refused = yield* Fiber.join(published)
      assert.include(refused._tag === "HookRefused" ? refused.reason : "", "5000 ms")
    }).pipe(Effect.provide(busLayer())))

  it.effect("of a batch refuse only what they refuse; results stand in order", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.hooks.before(
        "odd",
        (given) => Number(given.payload) % 2 === 0 ? given : Effect.fail("odd")
      )
      const results = yield* bus.publishMany([1, 2, 3, 4, 5].map((n) => draft("t", n)))
      assert.deepStrictEqual(results.map(tagOf), [
        "HookRefused",
        "accepted",
        "HookRefused",
        "accepted",
        "HookRefused"
      ])
    }).pipe(Effect.provide(busLayer())))

  it.effect("a publisher that is interrupted while one runs leaves nothing", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.hooks.before("slow", (given) => Effect.delay(Effect.succeed(given), 100))
      const published = yield* Effect.forkChild(bus.publish(draft("t", 1)), {
        startImmediately: true
      })
      yield* Fiber.interrupt(published)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(bus.snapshot().published, 0)
      assert.deepStrictEqual(bus.snapshot().refused, {})
    }).pipe(Effect.provide(busLayer())))

  it.effect("are at most a hundred, and gone with their scope (pitfall 46)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      for (let n = 0; n < 1_000; n++) {
        yield* Effect.scoped(bus.hooks.before("b", (given) => given))
        yield* Effect.scoped(bus.hooks.after("a", () => {}))
      }
      assert.deepStrictEqual([bus.snapshot().hooks.before, bus.snapshot().hooks.after], [0, 0])
      for (let n = 0; n < hooksMax; n++) yield* bus.hooks.before("b", (given) => given)
      const refused = yield* Effect.flip(bus.hooks.before("b", (given) => given))
      assert.deepStrictEqual([refused._tag, refused.limit], ["HookLimit", hooksMax])
    }).pipe(Effect.provide(busLayer())))
})

describe("hooks after a publish", () => {
  it.effect("see each accepted message once, in order, and no refused or repeated one", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* Ref.make<ReadonlyArray<string>>([])
      yield* bus.hooks.after("audit", ({ payload }) => Ref.update(seen, (all) => [...all, payload]))
      const keyed = draft("t", 1, { idempotencyKey: "i" })
      yield* bus.publish(keyed)
      yield* bus.publish(keyed)
      yield* Effect.flip(bus.publish(draft("message_bus.x", 0)))
      yield* bus.publishMany([draft("t", 2), draft("t", 3)])
      yield* Effect.repeat(settle, { times: 5 })
      assert.deepStrictEqual(yield* Ref.get(seen), ["1", "2", "3"])
    }).pipe(Effect.provide(busLayer())))

  it.effect("one that throws, fails or hangs affects nothing (behaviour 41, pitfalls 18, 48)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* Ref.make(0)
      const handled = yield* noting(bus)
      yield* bus.hooks.after("throws", () => {
        throw new Error("boom")
      })
      yield* bus.hooks.after("fails", () => Effect.fail("no"))
      yield* bus.hooks.after("hangs", () => Effect.never)
      yield* bus.hooks.after("counts", () => Ref.update(seen, (n) => n + 1))
      yield* bus.publishMany([draft("t", 1), draft("t", 2)])
      yield* settle
      assert.strictEqual(yield* Ref.get(seen), 2)
      assert.strictEqual((yield* handled).length, 2)
      assert.strictEqual(bus.snapshot().hooks.afterFailed, 4)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(bus.snapshot().hooks.afterFailed, 5, "interrupted at its limit")
    }).pipe(Effect.provide(busLayer())))

  it.effect("one that is slow holds back no reply; what it cannot see in time is counted", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const gate = yield* Deferred.make<void>()
      const seen = yield* Ref.make(0)
      yield* bus.hooks.after(
        "slow",
        () => Effect.andThen(Deferred.await(gate), Ref.update(seen, (n) => n + 1))
      )
      const { messages } = afterHookQueueMax
      yield* bus.publish(draft("t", 0))
      yield* settle // The first one runs, so the queue is empty.
      yield* bus.publishMany(Array.from({ length: messages + 5 }, (_, n) => draft("t", n)))
      assert.strictEqual(bus.snapshot().published, messages + 6)
      assert.strictEqual(bus.snapshot().hooks.afterDropped, 5)
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.repeat(settle, { times: 5 })
      assert.isAbove(yield* Ref.get(seen), 1)
    }).pipe(Effect.provide(busLayer({ limits: { slotsMax: 20_000, bytesMax: 2 ** 30 } }))))

  it.effect("may publish themselves", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* noting(bus)
      yield* bus.hooks.after("echo", ({ payload, topic }) =>
        topic === "t" ? bus.publish(draft("echo", Number(payload) + 1)) : Effect.void)
      yield* bus.publish(draft("t", 1))
      yield* settle
      assert.deepStrictEqual(yield* seen, [["t", 1, {}], ["echo", 2, {}]])
    }).pipe(Effect.provide(busLayer())))
})
