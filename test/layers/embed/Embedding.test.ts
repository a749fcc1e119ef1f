import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Ref, Result, Schedule, Schema, Scope } from "effect"
import * as CodeFactory from "../../../src/CodeFactory.ts"

const memory = CodeFactory.layer({ profile: "memory" })

const Orders = CodeFactory.Topic.make(
  "orders.created",
  Schema.Struct({ id: Schema.String, at: Schema.Date })
)

/** A field, and topic and options in which it is illegal. */
const illegal: ReadonlyArray<readonly [string, string, CodeFactory.PublishOptions]> = [
  ["topic", "no topic", {}],
  ["key", "t", { key: "" }],
  ["key", "t", { key: "\ud800" }],
  ["priority", "t", { priority: 10 }],
  ["priority", "t", { priority: 0.5 }],
  ["idempotencyKey", "t", { idempotencyKey: "x".repeat(1_025) }],
  ["deliverAt", "t", { deliverAt: Number.POSITIVE_INFINITY }],
  ["delay", "t", { delay: "Infinity" }],
  ["expiresAt", "t", { deliverAt: 4_000_000_000_000, expiresAt: 3_000_000_000_000 }],
  ["expiresAt", "t", { expiresAt: Number.NaN }]
]

/** The first dead letter, once there is one. */
const firstLetter = CodeFactory.CodeFactory.use(({ bus }) => bus.deadLetters({}, 0, 1)).pipe(
  Effect.flatMap(([letter]) =>
    letter === undefined ? Effect.fail("none yet" as const) : Effect.succeed(letter)
  ),
  Effect.retry({ times: 500, schedule: Schedule.spaced("5 millis") })
)

describe("the bus in an Effect program", () => {
  it.live("a typed topic gives the handler the value that was published", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const seen = yield* Deferred.make<unknown>()
      const order = { id: "A-1", at: new Date(0) }
      yield* bus.handle("billing", Orders, (value) => Deferred.succeed(seen, value))
      yield* bus.publish(Orders, order)
      assert.deepStrictEqual(yield* Deferred.await(seen), order)
    }).pipe(Effect.provide(memory)))

  it.live("a payload that does not fit its typed topic is refused and not stored", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const wrong = JSON.parse("{\"id\": 1}")
      const refused = yield* Effect.flip(bus.publish(Orders, wrong))
      assert.strictEqual(refused._tag, "MessageInvalid")
      assert.strictEqual(bus.bus.snapshot().published, 0)
    }).pipe(Effect.provide(memory)))

  it.live("behaviour 7: a handler takes what its filter passes, data or function", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const seen = yield* Ref.make<ReadonlyArray<string>>([])
      const see = (name: string) => (payload: unknown) =>
        Ref.update(seen, (all) => [...all, `${name} ${payload}`])
      yield* bus.handle("data", "t", see("data"), {
        filter: { payload: { gte: 2 } },
        maxAge: "1 minute"
      })
      yield* bus.handle("function", "t", see("function"), {
        filter: (payload, { priority }) => Number(payload) > 1 && priority === 5
      })
      yield* bus.publish("t", 1)
      yield* bus.publish("t", 2)
      yield* bus.publish("t", 3, { priority: 5 })
      yield* Effect.retry(
        Effect.filterOrFail(Ref.get(seen), (all) => all.length >= 3),
        { times: 500, schedule: Schedule.spaced("5 millis") }
      )
      assert.sameMembers([...(yield* Ref.get(seen))], ["data 2", "data 3", "function 3"])
      const [{ options } = assert.fail()] = yield* bus.bus.subscriptions
      assert.deepInclude(options, { maxAgeMs: 60_000, filter: { payload: { gte: 2 } } })
      const wrong = yield* Effect.flip(bus.handle("w", "t", see("w"), { filter: {} }))
      assert.strictEqual(wrong._tag, "MessageInvalid")
    }).pipe(Effect.provide(memory)))

  it.live("a stored payload that does not decode is dead at its first attempt", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const calls = yield* Ref.make(0)
      yield* bus.handle("billing", Orders, () => Ref.update(calls, (n) => n + 1))
      yield* bus.publish("orders.created", { nonsense: true })
      const letter = yield* firstLetter
      assert.deepStrictEqual([letter?.reason, letter?.attempts], ["Permanent", 1])
      assert.strictEqual(yield* Ref.get(calls), 0)
    }).pipe(Effect.provide(memory)))

  it.live("pitfall 44: what has no JSON form is refused alone; the rest of the batch goes on", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const round: { self?: unknown } = {}
      round.self = round
      const results = yield* bus.publishMany(
        [1, round, 10n, () => 1, 2].map((payload) => ({ topic: "t", payload }))
      )
      assert.deepStrictEqual(results.map(Result.isSuccess), [true, false, false, false, true])
      assert.strictEqual(bus.bus.snapshot().published, 2)
    }).pipe(Effect.provide(memory)))

  it.live.each(illegal)(
    "an illegal %s is refused by name: %s %o",
    ([field, topic, options]) =>
      Effect.gen(function*() {
        const bus = yield* CodeFactory.CodeFactory
        const refused = yield* Effect.flip(bus.publish(topic, 1, options))
        assert.strictEqual(refused._tag === "MessageInvalid" ? refused.field : "", field)
      }).pipe(Effect.provide(memory))
  )

  it.live("pitfall 27: after its scope closed, the bus refuses instead of saying yes", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Layer.fresh(memory), scope)
      const bus = yield* Effect.provideContext(CodeFactory.CodeFactory, context)
      yield* bus.publish("t", 1)
      yield* Scope.close(scope, Exit.void)
      const refused = yield* Effect.flip(bus.publish("t", 2))
      assert.deepStrictEqual(refused, new CodeFactory.BusClosed({ state: "Closed" }))
    }))

  it.live("illegal options are all named and nothing is opened", () =>
    Effect.gen(function*() {
      const wrong = JSON.parse("{\"profile\":\"memory\",\"shardCount\":99,\"bogus\":1}")
      const refused = yield* Effect.flip(Effect.scoped(Layer.build(CodeFactory.layer(wrong))))
      assert.strictEqual(refused._tag, "OptionsInvalid")
      assert.include(refused.message, "shardCount")
      assert.include(refused.message, "bogus")
    }))
})

describe("the bus as a handle of promises", () => {
  const tagOf = (promise: Promise<unknown>) =>
    promise.then(() => "resolved", (error: { readonly _tag: string }) => error._tag)

  it("pitfall 2: before its start and after its end it refuses with BusClosed", async () => {
    const bus = CodeFactory.create({ profile: "memory" })
    assert.strictEqual(await tagOf(bus.publish("t", 1)), "BusClosed")
    await bus.start()
    await bus.start()
    assert.strictEqual((await bus.publish("t", 1)).durability, "memory")
    await bus.close()
    await bus.close()
    assert.strictEqual(await tagOf(bus.publish("t", 1)), "BusClosed")
    assert.strictEqual(await tagOf(bus.start()), "BusClosed")
  })

  it("behaviour 4: a detached handler is not called again", async () => {
    await using bus = await CodeFactory.open({ profile: "memory" })
    const seen: Array<unknown> = []
    const first = Promise.withResolvers<void>()
    const detach = await bus.handle("s", "t", (payload) => {
      seen.push(payload)
      first.resolve()
    })
    await bus.publish("t", 1)
    await first.promise
    await detach()
    await detach()
    await bus.publish("t", 2)
    assert.deepStrictEqual(seen, [1])
  })

  it("a handler that rejects is tried again and then dead, with its reason", async () => {
    await using bus = await CodeFactory.open({ profile: "memory" })
    const tried = Promise.withResolvers<void>()
    let calls = 0
    await bus.handle("s", "t", () => {
      if (++calls === 2) tried.resolve()
      return Promise.reject(new Error("out of paper"))
    }, { maxAttempts: 2 })
    await bus.publish("t", 1)
    await tried.promise
    const letter = await bus.run(firstLetter)
    assert.include(letter?.error, "out of paper")
  })

  it("fates go by the name of what a handler throws; unknown ones are refused", async () => {
    await using bus = await CodeFactory.open({ profile: "memory" })
    const snapshot = () =>
      bus.run(CodeFactory.CodeFactory.use((own) => Effect.sync(own.bus.snapshot)))
    const thrown = Promise.withResolvers<void>()
    await bus.handle("s", "t", () => {
      thrown.resolve()
      throw new TypeError("no")
    }, { fates: { TypeError: "drop" } })
    await bus.publish("t", 1)
    await thrown.promise
    while ((await snapshot()).subscriptions[0]?.pending !== 0) await new Promise(setImmediate)
    assert.strictEqual((await snapshot()).subscriptions[0]?.dropped, 1)
    const wrong = JSON.parse("{\"fates\":{\"TypeError\":\"ignore\"}}")
    const refused = await bus.handle("other", "t", () => {}, wrong).then(() => "", JSON.stringify)
    assert.include(refused, "fates")
    assert.include(refused, "TypeError")
    assert.include(refused, "deadLetter")
  })
})
