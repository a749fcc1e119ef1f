import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Ref, Result, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { replyToHeader } from "../../../src/domain/Request.ts"
import type * as Bus from "../../../src/layers/bus/Bus.ts"
import type { Delivery, MessageBus } from "../../../src/services/MessageBus.ts"
import { RequestTimeout } from "../../../src/services/Requests.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

type Made = Effect.Success<ReturnType<typeof Bus.make>>

/** Runs with a bus on a disk of its own. */
const withBus = <A, E>(
  use: (made: Made) => Effect.Effect<A, E, Scope.Scope>,
  more: Partial<Bus.BusOptions> = {}
) => life(new SimulatedDisk(), "closed", use, more)

/** A responder that adds `a` and `b`. */
const adder = (bus: MessageBus["Service"], times = 1) =>
  bus.handle(named("adder"), options("math.add"), (delivery: Delivery) => {
    const { a, b } = JSON.parse(delivery.message.payload)
    return Effect.repeat(delivery.reply({ result: a + b }), { times: times - 1 })
  })

const counts = ({ core }: Made) => {
  const { answered, late, size, timedOut } = core.requests
  return { waiting: size, answered, timedOut, late }
}

describe("requests", () => {
  it.effect("get the reply of their responder, and leave nothing (behaviour 46)", () =>
    withBus((made) =>
      Effect.gen(function*() {
        yield* adder(made.bus)
        const asked = yield* Effect.forkChild(
          made.bus.requests.request(draft("math.add", { a: 5, b: 3 }), 1_000)
        )
        yield* settle
        const reply = yield* Fiber.join(asked)
        assert.deepStrictEqual(JSON.parse(reply.payload), { result: 8 })
        assert.deepStrictEqual(counts(made), { waiting: 0, answered: 1, timedOut: 0, late: 0 })
        assert.strictEqual(made.bus.snapshot().published, 1, "the reply is no message")
        assert.deepStrictEqual(made.core.topics.size, 1)
      })
    ))

  it.effect("without a responder end at their limit, which the error names (behaviour 47)", () =>
    withBus((made) =>
      Effect.gen(function*() {
        const asked = yield* Effect.forkChild(
          Effect.flip(made.bus.requests.request(draft("math.add", 1), 250))
        )
        yield* TestClock.adjust("249 millis")
        assert.isUndefined(asked.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        const error = yield* Fiber.join(asked)
        assert.deepStrictEqual(error, new RequestTimeout({ topic: "math.add", timeoutMs: 250 }))
        assert.include(error.message, "math.add")
        assert.deepStrictEqual(counts(made), { waiting: 0, answered: 0, timedOut: 1, late: 0 })
      })
    ))

  it.effect("expire with the wait, so that nobody works on them for nothing", () =>
    withBus((made) =>
      Effect.gen(function*() {
        const { bus } = made
        yield* bus.createSubscription(named("adder"), options("math.add"))
        const asked = yield* Effect.forkChild(
          Effect.exit(bus.requests.request(draft("math.add", 1), 250))
        )
        yield* TestClock.adjust("250 millis")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(asked)))
        assert.deepStrictEqual(yield* bus.pull("adder", 10, 0), [])
        assert.strictEqual(bus.snapshot().subscriptions[0]?.expired, 1)
      })
    ))

  it.effect("late, second and unknown replies are ignored and counted (behaviour 48)", () =>
    withBus((made) =>
      Effect.gen(function*() {
        const { bus } = made
        yield* adder(bus, 2)
        const asked = yield* Effect.forkChild(
          bus.requests.request(draft("math.add", { a: 1, b: 1 }), 1_000)
        )
        yield* settle
        assert.strictEqual((yield* Fiber.join(asked)).payload, `{"result":2}`)
        assert.strictEqual(counts(made).late, 1, "the second")
        const { durability, duplicate, topic } = yield* bus.publish(draft("_reply.local.who", 1))
        assert.deepStrictEqual([durability, duplicate, topic], [
          "memory",
          false,
          "_reply.local.who"
        ])
        assert.strictEqual(counts(made).late, 2, "one of nobody")
        assert.strictEqual(bus.snapshot().requests.repliesIgnored, 2)
        assert.strictEqual(bus.snapshot().published, 1)
      })
    ))

  it.effect("may be answered by whoever pulls them, by publishing to their reply topic", () =>
    withBus((made) =>
      Effect.gen(function*() {
        const { bus } = made
        yield* bus.createSubscription(named("remote"), options("t"))
        const asked = yield* Effect.forkChild(
          bus.requests.request(draft("t", 1, { headers: `{"a":"b"}` }), 1_000)
        )
        yield* settle
        const [delivery] = yield* bus.pull("remote", 1, 0)
        const headers = JSON.parse(delivery?.message.headers ?? "{}")
        assert.strictEqual(headers.a, "b")
        assert.strictEqual(headers[replyToHeader], `_reply.local.${headers["correlation-id"]}`)
        const answer = draft(headers[replyToHeader], [1.5], { headers: `{"x":"y"}` })
        const results = yield* bus.publishMany([draft("other", 0), answer, answer])
        assert.isTrue(results.every(Result.isSuccess))
        const reply = yield* Fiber.join(asked)
        assert.deepStrictEqual([reply.payload, reply.headers], ["[1.5]", `{"x":"y"}`])
        assert.deepStrictEqual(counts(made), { waiting: 0, answered: 1, timedOut: 0, late: 1 })
      })
    ))

  it.effect("other reserved topics stay the bus's own, hooks do not see replies", () =>
    withBus(({ bus }) =>
      Effect.gen(function*() {
        yield* bus.hooks.before("no", () => Effect.fail("no"))
        for (const topic of ["_reply", "_reply.a", "_reply.a.b.c", "message_bus.x"]) {
          const batch = yield* bus.publishMany([draft(topic, 1)])
          assert.deepStrictEqual(
            batch.map((one) => Result.isFailure(one) && one.failure._tag),
            ["HookRefused"]
          )
        }
        const accepted = yield* bus.publishMany([draft("_reply.a.b", 1)])
        assert.isTrue(accepted.every(Result.isSuccess))
        yield* bus.publish(draft("_reply.a.b", 1))
      })
    ))

  it.effect("that are refused fail at once, and leave nothing (pitfall 42)", () =>
    withBus((made) =>
      Effect.gen(function*() {
        const { bus, core } = made
        const ask = (topic: string, more = {}) =>
          Effect.flip(bus.requests.request(draft(topic, 1, more), 60_000))
        assert.strictEqual((yield* ask("message_bus.x"))._tag, "TopicReserved")
        assert.strictEqual((yield* ask("t", { payloadBytes: 2 ** 21 }))._tag, "PayloadTooLarge")
        const headers = JSON.stringify({ a: "x".repeat(16_370) })
        assert.strictEqual((yield* ask("t", { headers }))._tag, "PayloadTooLarge")
        assert.strictEqual(core.requests.size, 0)
      })
    ))

  it.effect("that are interrupted leave nothing", () =>
    withBus((made) =>
      Effect.gen(function*() {
        const asked = yield* Effect.forkChild(made.bus.requests.request(draft("t", 1), 60_000))
        yield* settle
        assert.strictEqual(made.core.requests.size, 1)
        yield* Fiber.interrupt(asked)
        assert.deepStrictEqual(counts(made), { waiting: 0, answered: 0, timedOut: 0, late: 0 })
      })
    ))

  it.effect("still waiting when the bus closes are told so", () =>
    Effect.gen(function*() {
      const asked = yield* withBus(({ bus }) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkDetach(Effect.flip(
            bus.requests.request(draft("t", 1), 3_600_000)
          ))
          yield* settle
          return fiber
        })
      )
      assert.strictEqual((yield* Fiber.join(asked))._tag, "BusClosed")
    }))

  it.effect("as many as may wait are let in, one more is refused, and none is left", () =>
    withBus((made) =>
      Effect.gen(function*() {
        const { bus, core } = made
        const ask = bus.requests.request(draft("t", 1), 5_000)
        const asked = yield* Effect.forkChild(
          Effect.forEach([1, 2, 3], () => Effect.exit(ask), { concurrency: "unbounded" })
        )
        yield* settle
        assert.strictEqual(core.requests.size, 3)
        assert.strictEqual((yield* Effect.flip(ask))._tag, "RequestLimit")
        assert.deepStrictEqual(bus.snapshot().refused, { RequestLimit: 1 })
        yield* TestClock.adjust("5 seconds")
        assert.isTrue((yield* Fiber.join(asked)).every(Exit.isFailure))
        assert.deepStrictEqual(counts(made), { waiting: 0, answered: 0, timedOut: 3, late: 0 })
      }), { requestsMax: 3 }))

  it.effect("a handler of what is no request, or a forged one, replies to nobody", () =>
    withBus(({ bus, core }) =>
      Effect.gen(function*() {
        const answers = yield* Ref.make<ReadonlyArray<boolean>>([])
        yield* bus.handle(named("s"), options("t"), (delivery) =>
          Effect.flatMap(delivery.reply(1), (answer) =>
            Ref.update(answers, (all) => [...all, answer])))
        yield* bus.publish(draft("t", 1))
        yield* bus.publish(draft("t", 2, { headers: `{"reply-to":"orders"}` }))
        yield* bus.publish(draft("t", 3, { headers: `{"reply-to":"_reply.local.guess"}` }))
        yield* settle
        assert.deepStrictEqual(yield* Ref.get(answers), [false, false, false])
        assert.strictEqual(bus.snapshot().published, 3)
        assert.strictEqual(core.requests.late, 1)
      })
    ))

  it.effect("a reply without JSON form, or too large, fails its handler and not the bus", () =>
    withBus(({ bus }) =>
      Effect.gen(function*() {
        const errors = yield* Ref.make<ReadonlyArray<string>>([])
        const values = [1n, undefined, () => 1, "x".repeat(1_048_576)]
        yield* bus.handle(named("s"), options("t"), (delivery) =>
          Effect.flatMap(
            Effect.flip(delivery.reply(values[Number(delivery.message.payload)])),
            ({ _tag }) => Ref.update(errors, (all) => [...all, _tag])
          ))
        for (const n of values.keys()) {
          yield* Effect.forkChild(Effect.exit(bus.requests.request(draft("t", n), 100)))
          yield* settle
        }
        assert.deepStrictEqual(yield* Ref.get(errors), [
          "MessageInvalid",
          "MessageInvalid",
          "MessageInvalid",
          "PayloadTooLarge"
        ])
      })
    ))
})
