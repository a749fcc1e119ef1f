import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect } from "effect"
import * as CodeFactory from "../../../src/CodeFactory.ts"
import { draft } from "../bus/Drafts.ts"

const memory = CodeFactory.layer({ profile: "memory" })
const { current, withValues } = CodeFactory.ExecutionContext

/** The raw text of the first message of a topic. */
const firstPayload = Effect.fnUntraced(function*(topic: string) {
  const { handle } = yield* CodeFactory.CodeFactory
  const seen = yield* Deferred.make<CodeFactory.Delivery>()
  yield* handle("first", topic, (_, delivery) => Deferred.succeed(seen, delivery))
  return Deferred.await(seen)
})

class Ledger extends Context.Service<Ledger, { readonly tenant: string }>()("test/Ledger") {}

describe("hooks of an Effect program", () => {
  it.live("get an item and give one back, with the services they need (behaviour 39)", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const first = yield* firstPayload("t")
      yield* bus.beforePublish("stamp", (item) => ({
        ...item,
        options: { ...item.options, headers: { stamped: "yes" } }
      }))
      yield* bus.beforePublish("ledger", (item) =>
        Effect.map(Ledger, ({ tenant }) => ({
          ...item,
          payload: { was: item.payload },
          options: { ...item.options, context: { ...item.options?.context, tenant } }
        })))
      yield* withValues({ user: "ada" })(bus.publish("t", 1, { key: "k", priority: 5 }))
      const { context, headers, message, payload } = yield* first
      assert.deepStrictEqual(payload, { was: 1 })
      assert.deepStrictEqual(headers, { stamped: "yes" })
      assert.deepStrictEqual(context, { user: "ada", tenant: "acme" })
      assert.deepStrictEqual([message.key, message.priority], ["k", 5])
    }).pipe(Effect.provideService(Ledger, { tenant: "acme" }), Effect.provide(memory)))

  it.live("leave the text of a payload alone that they do not change", () =>
    Effect.gen(function*() {
      const { beforePublish, bus } = yield* CodeFactory.CodeFactory
      const first = yield* firstPayload("t")
      yield* beforePublish("look", (item) => ({ ...item }))
      const text = `{"n":12345678901234567890,"x":1.0}`
      yield* bus.publish(draft("t", 1, { payload: text, payloadBytes: text.length }))
      assert.strictEqual((yield* first).message.payload, text)
    }).pipe(Effect.provide(memory)))

  it.live("refuse what cannot be published, by their name (behaviour 40)", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      yield* bus.beforePublish("wrong", (item) => ({ ...item, topic: "no topic" }))
      const refused = yield* Effect.flip(bus.publish("t", 1))
      assert.strictEqual(refused._tag === "HookRefused" && refused.hook, "wrong")
    }).pipe(Effect.provide(memory)))

  it.live("after a publish get the payload as a value, in no context but the message's", () =>
    Effect.gen(function*() {
      const bus = yield* CodeFactory.CodeFactory
      const seen = yield* Deferred.make<unknown>()
      yield* withValues({ registered: "here" })(
        bus.afterPublish(
          "audit",
          (payload, { context, topic }) =>
            Effect.flatMap(
              current,
              (here) => Deferred.succeed(seen, [topic, payload, context, here])
            )
        )
      )
      yield* withValues({ user: "ada" })(bus.publish("t", { a: 1 }))
      assert.deepStrictEqual(yield* Deferred.await(seen), ["t", { a: 1 }, `{"user":"ada"}`, {}])
    }).pipe(Effect.provide(memory)))
})

describe("hooks and contexts of a handle of promises", () => {
  it("hooks may be async, refuse by rejecting, and be removed (behaviours 39 to 41)", async () => {
    await using bus = await CodeFactory.open({ profile: "memory" })
    const seen = Promise.withResolvers<unknown>()
    await bus.handle("s", "t", (payload, { context }) => seen.resolve([payload, context]))
    const remove = await bus.beforePublish("double", async (item) => {
      await Promise.resolve()
      if (typeof item.payload !== "number") throw new Error("numbers only")
      return { ...item, payload: item.payload * 2, options: { context: { by: "double" } } }
    })
    await bus.afterPublish("boom", () => Promise.reject(new Error("nobody hears this")))
    const refused: unknown = await bus.publish("t", "x").catch((error: unknown) => error)
    assert.isTrue(refused instanceof CodeFactory.HookRefused)
    assert.include(String(refused), "numbers only")
    await bus.publish("t", 21)
    assert.deepStrictEqual(await seen.promise, [42, { by: "double" }])
    await remove()
    await remove()
    await bus.publish("t", "y")
  })

  it("a context spans awaits and reaches handlers (behaviours 42 to 45)", async () => {
    await using bus = await CodeFactory.open({ profile: "memory" })
    const seen: Array<unknown> = []
    const done = Promise.withResolvers<void>()
    await bus.withContext(
      { attacher: "1" },
      () =>
        bus.handle("s", "t", async (payload, { context }) => {
          await Promise.resolve()
          assert.deepStrictEqual(bus.context(), context)
          await bus.withContext({ step: `${payload}` }, () => bus.publish("next", payload))
          assert.deepStrictEqual(bus.context(), context)
        })
    )
    await bus.handle("n", "next", (payload) => {
      seen.push([payload, bus.context()])
      if (seen.length === 3) done.resolve()
    })
    const within = (tenant: string, payload: number) =>
      bus.withContext({ tenant }, async () => {
        await Promise.resolve()
        assert.deepStrictEqual(bus.context(), { tenant })
        await bus.withContext({ tenant: "x", more: "y" }, () => Promise.resolve())
        await bus.publish("t", payload)
      })
    await Promise.all([within("a", 1), within("b", 2), bus.publish("t", 3)])
    await done.promise
    assert.sameDeepMembers(seen, [
      [1, { tenant: "a", step: "1" }],
      [2, { tenant: "b", step: "2" }],
      [3, { step: "3" }]
    ])
    assert.deepStrictEqual(bus.context(), {})
    assert.throws(
      () => bus.withContext(JSON.parse(`{"a":1}`), () => {}),
      CodeFactory.MessageInvalid
    )
  })
})
