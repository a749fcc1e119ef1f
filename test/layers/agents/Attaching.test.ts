import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import type { LoadedHandler } from "../../../src/services/Executor.ts"
import type { Delivery } from "../../../src/services/MessageBus.ts"
import { agency, until } from "./Agency.ts"
import { fakeExecutor } from "./FakeExecutor.ts"

/** What handlers want that they cannot have, as modules without types may. */
const illegal: ReadonlyArray<readonly [what: string, Partial<LoadedHandler>, reason: string]> = [
  ["a topic", { topic: "orders paid" }, "illegal options of a: expected segments"],
  ["a name", { subscription: "not a name" }, "illegal name of not a name"],
  ["a time limit", { options: { timeout: 1 } }, "illegal options of a"],
  ["a time limit that is none", { options: JSON.parse(`{"timeout":"soon"}`) }, "Duration"],
  ["the topics of the bus", { topic: "_reply.>" }, "_reply.> is reserved"],
  ["a fate", { options: JSON.parse(`{"fates":{"A":"explode"}}`) }, "illegal fates of a"]
]

describe("handlers of agents on the bus", () => {
  it.effect("are run by the executor, which is handed the text of the payload", () =>
    Effect.gen(function*() {
      const ran = yield* Deferred.make<Delivery>()
      const fake = fakeExecutor(
        () => Effect.succeed([{ subscription: "billing", topic: "orders.>" }]),
        (_, delivery) => Effect.asVoid(Deferred.succeed(ran, delivery))
      )
      const { agents, bus } = yield* agency(fake.layer, ["a.ts"])
      yield* agents.load
      yield* bus.publish("orders.eu.paid", { id: 1 })
      const { message, subscription } = yield* Deferred.await(ran)
      assert.strictEqual(message.payload, `{"id":1}`)
      assert.strictEqual(subscription, "billing")
    }))

  it.effect("are handed messages whose payload nobody has parsed", () =>
    Effect.gen(function*() {
      const ran = yield* Deferred.make<Delivery>()
      const fake = fakeExecutor(
        undefined,
        (_, delivery) => Effect.asVoid(Deferred.succeed(ran, delivery))
      )
      const { agents, bus } = yield* agency(fake.layer, ["a.ts"])
      yield* agents.load
      const parse = JSON.parse
      const parsed: Array<string> = []
      JSON.parse = (text: string) => {
        parsed.push(text)
        return parse(text)
      }
      yield* Effect.ensuring(
        Effect.andThen(bus.publish("orders.paid", { id: "unparsed" }), Deferred.await(ran)),
        Effect.sync(() => JSON.parse = parse)
      )
      assert.deepStrictEqual(parsed.filter((text) => text.includes("unparsed")), [])
    }))

  it.effect("keep the options that the agent gave", () =>
    Effect.gen(function*() {
      const options = {
        ordering: "topic",
        maxAttempts: 7,
        timeout: 5_000,
        from: "earliest",
        maxAge: 60_000,
        filter: { "payload.amount": { gte: 5 } }
      } as const
      const fake = fakeExecutor(() => Effect.succeed([{ options }]))
      const { agents, bus } = yield* agency(fake.layer, ["a.ts"])
      yield* agents.load
      const { options: stored } = yield* bus.bus.subscription("a")
      assert.deepStrictEqual(stored, {
        topic: "orders.*",
        ordering: "topic",
        maxAttempts: 7,
        ackTimeoutMs: 5_000,
        from: "earliest",
        mode: "compete",
        maxAgeMs: 60_000,
        filter: { "payload.amount": { gte: 5 } }
      } as never)
    }))

  it.effect.each(illegal)("that want what is illegal, here %s, make their agent fail as a whole", (
    [, wrong, reason]
  ) =>
    Effect.gen(function*() {
      const good = { subscription: "good" }
      const fake = fakeExecutor(() => Effect.succeed([good, wrong]))
      const { agents, bus } = yield* agency(fake.layer, ["a.ts"])
      yield* agents.load
      const { failed, loaded } = agents.snapshot()
      assert.deepStrictEqual(loaded, [])
      assert.include(failed[0]?.reason, reason)
      assert.include(fake.events, "unload a")
      const [left] = bus.bus.snapshot().subscriptions
      assert.strictEqual(left?.consumer, "Pull") // It waits for its agent, or for whoever pulls.
    }))

  it.effect.each(["a", "b"])(
    "of one subscription: the first agent by name has it, also if %s is late",
    (
      late
    ) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        const fake = fakeExecutor(({ name }) =>
          Effect.as(name === late ? Deferred.await(gate) : Effect.void, [{ subscription: "one" }])
        )
        const { agents, bus } = yield* agency(fake.layer, ["a.ts", "b.ts"])
        const loading = yield* Effect.forkChild(agents.load)
        yield* until(() => agents.snapshot().loaded.length === 1)
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(loading)
        const { failed, loaded } = agents.snapshot()
        assert.deepStrictEqual(loaded, [{ agent: "a.ts", subscriptions: ["one"] }])
        assert.deepStrictEqual(failed, [{
          agent: "b.ts",
          reason: "its subscription one is that of a.ts; set `name` in the options of one of the " +
            "two handlers"
        }])
        assert.strictEqual(bus.bus.snapshot().subscriptions[0]?.consumer, "Handler")
      })
  )

  it.effect("under one subscription within one agent make it fail", () =>
    Effect.gen(function*() {
      const one = { subscription: "one" }
      const fake = fakeExecutor(() => Effect.succeed([one, one]))
      const { agents } = yield* agency(fake.layer, ["a.ts"])
      yield* agents.load
      assert.include(agents.snapshot().failed[0]?.reason, "two of its handlers")
    }))

  it.effect("of a subscription that exists otherwise fail with what to do", () =>
    Effect.gen(function*() {
      const { agents, bus } = yield* agency(fakeExecutor().layer, ["a.ts", "b.ts"])
      yield* Effect.scoped(bus.handle("a", "other", () => Effect.void))
      yield* Effect.forkScoped(bus.handle("b", "orders.*", () => Effect.void))
      yield* until(() => bus.bus.snapshot().subscriptions.length === 2)
      yield* agents.load
      const [a, b] = agents.snapshot().failed
      assert.include(a?.reason, "exists with another topic")
      assert.include(a?.reason, "delete the subscription")
      assert.include(b?.reason, "has a handler already")
    }))
})
