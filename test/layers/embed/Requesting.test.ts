import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import * as CodeFactory from "../../../src/CodeFactory.ts"

const memory = CodeFactory.layer({ profile: "memory" })

const Sum = CodeFactory.Topic.make(
  "math.add",
  Schema.Struct({ a: Schema.Finite, b: Schema.Finite })
)

describe("requests of an Effect program", () => {
  it.live("a responder's result is the reply, also of a typed topic (behaviour 46)", () =>
    Effect.gen(function*() {
      const { request, respond } = yield* CodeFactory.CodeFactory
      yield* respond("adder", Sum, ({ a, b }) => Effect.succeed({ result: a + b }))
      assert.deepStrictEqual(yield* request(Sum, { a: 5, b: 3 }), { result: 8 })
      yield* respond("silent", "silent", () => Effect.void)
      assert.isNull(yield* request("silent", 1))
    }).pipe(Effect.provide(memory)))

  it.live("one that is tried again replies when it succeeds", () =>
    Effect.gen(function*() {
      const { request, respond } = yield* CodeFactory.CodeFactory
      yield* respond("flaky", "t", (_, { attempt }) =>
        attempt < 3 ? Effect.fail("not yet") : Effect.succeed(attempt))
      assert.strictEqual(yield* request("t", 1), 3)
    }).pipe(Effect.provide(memory)))

  it.live("without an answer, or with a time limit that is none, they fail (behaviour 47)", () =>
    Effect.gen(function*() {
      const { request } = yield* CodeFactory.CodeFactory
      const late = yield* Effect.flip(request("nobody", 1, { timeout: "20 millis" }))
      const expected = new CodeFactory.RequestTimeout({ topic: "nobody", timeoutMs: 20 })
      assert.deepStrictEqual(late, expected)
      for (const timeout of [0, -1, Infinity, NaN]) {
        const refused = yield* Effect.flip(request("nobody", 1, { timeout }))
        assert.strictEqual(refused._tag === "MessageInvalid" && refused.field, "timeout")
      }
      const wrong = yield* Effect.flip(request("no topic", 1))
      assert.strictEqual(wrong._tag === "MessageInvalid" && wrong.field, "topic")
    }).pipe(Effect.provide(memory)))
})

describe("many requests", () => {
  it.live("a thousand at once get their own answers; 10,000 leave nothing (pitfalls 42, 46)", () =>
    Effect.gen(function*() {
      const { bus, request, respond } = yield* CodeFactory.CodeFactory
      yield* respond("twice", "twice", (n) => Effect.succeed(Number(n) * 2))
      const numbers = Array.from({ length: 10_000 }, (_, n) => n)
      const replies = yield* Effect.forEach(
        numbers,
        (n) => request("twice", n, { timeout: "1 minute" }),
        { concurrency: 1_000 }
      )
      assert.deepStrictEqual(replies, numbers.map((n) => n * 2))
      const { answered, repliesIgnored, timedOut, waiting } = bus.snapshot().requests
      assert.deepStrictEqual([answered, repliesIgnored, timedOut, waiting], [10_000, 0, 0, 0])
    }).pipe(Effect.provide(memory)))
})

describe("requests of a handle of promises", () => {
  it("resolve to the reply, and a handler may reply by itself (behaviours 46 and 48)", async () => {
    await using bus = await CodeFactory.open({ profile: "memory" })
    await bus.respond("adder", "math.add", async (payload) => {
      const { a, b } = JSON.parse(JSON.stringify(payload))
      await Promise.resolve()
      return { result: a + b }
    })
    const replies = Promise.withResolvers<ReadonlyArray<boolean>>()
    await bus.handle("own", "own", async (payload, delivery) => {
      assert.deepStrictEqual(payload, delivery.payload)
      replies.resolve([await delivery.reply("first"), await delivery.reply("second")])
    })
    assert.deepStrictEqual(await bus.request("math.add", { a: 5, b: 3 }), { result: 8 })
    assert.strictEqual(await bus.request("own", 1, { headers: { a: "b" } }), "first")
    assert.deepStrictEqual(await replies.promise, [true, false])
    const error: unknown = await bus.request("nobody", 1, { timeout: 10 }).catch((e: unknown) => e)
    assert.isTrue(error instanceof CodeFactory.RequestTimeout)
  })
})

describe("plugins", () => {
  it.live("publish and subscribe under their prefix, raw variants do not (behaviour 14)", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const p = yield* bus.plugin("p")
      const own = yield* Deferred.make<string>()
      const typed = yield* Deferred.make<unknown>()
      const raw = yield* Deferred.make<string>()
      yield* p.handle("s", "x", (_, { message }) => Deferred.succeed(own, message.topic))
      yield* p.handle("typed", Sum, (sum) => Deferred.succeed(typed, sum))
      yield* p.raw.handle("r", "x", (_, { message }) => Deferred.succeed(raw, message.topic))
      assert.strictEqual((yield* p.publish("x", 1)).topic, "plugin.p.x")
      assert.strictEqual((yield* p.publish(Sum, { a: 1, b: 2 })).topic, "plugin.p.math.add")
      assert.strictEqual((yield* p.raw.publish("x", 1)).topic, "x")
      assert.strictEqual(yield* Deferred.await(own), "plugin.p.x")
      assert.strictEqual(yield* Deferred.await(raw), "x")
      assert.deepStrictEqual(yield* Deferred.await(typed), { a: 1, b: 2 })
      const names = (yield* bus.bus.subscriptions).map(({ name }) => name)
      assert.deepStrictEqual(names, ["plugin.p.s", "plugin.p.typed", "r"])
      yield* p.respond("sum", "sum", () => Effect.succeed("own"))
      yield* bus.respond("sum", "sum", () => Effect.succeed("raw"))
      assert.deepStrictEqual([yield* p.request("sum", 1), yield* p.raw.request("sum", 1)], [
        "own",
        "raw"
      ])
      yield* p.handle("all", ">", () => Effect.void)
      yield* bus.publish("plugin.q.x", 1)
    }).pipe(Effect.provide(memory)))

  it.live("have a name of one segment, and topics that are topics", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      for (const name of ["", "a.b", "*", ">", "a b", "x".repeat(101)]) {
        const refused = yield* Effect.flip(bus.plugin(name))
        assert.strictEqual(refused.field, "plugin", name)
      }
      const p = yield* bus.plugin("p")
      const wrong = yield* Effect.flip(p.publish("no topic", 1))
      assert.strictEqual(wrong._tag === "MessageInvalid" && wrong.field, "topic")
    }).pipe(Effect.provide(memory)))

  it("work as promises, too, and topics of any name are ordinary (behaviours 14, 15)", async () => {
    await using bus = await CodeFactory.open({ profile: "memory" })
    const p = await bus.plugin("p")
    for (const topic of ["start_workflow", "analyze_code", "manage_bug"]) {
      const seen = Promise.withResolvers<unknown>()
      const detach = await p.handle(topic, topic, (_, { message }) => seen.resolve(message.topic))
      await p.publish(topic, 1)
      assert.strictEqual(await seen.promise, `plugin.p.${topic}`)
      await detach()
      const raw = Promise.withResolvers<unknown>()
      await bus.handle(`raw.${topic}`, topic, (payload) => raw.resolve(payload))
      await p.raw.publish(topic, topic)
      assert.strictEqual(await raw.promise, topic)
    }
    assert.isTrue(await bus.plugin("a.b").then(() => false, () => true))
  })
})
