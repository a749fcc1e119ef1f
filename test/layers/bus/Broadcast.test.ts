import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

const inside = Effect.provide(
  Bus.make({ ...Bus.optionsDefault, shardCount: 2 }),
  Layer.fresh(MemoryLog.layer)
)

const broadcast = { mode: "broadcast" } as const

describe("a broadcast subscription", () => {
  it.effect("shows every message to every member, one at a time and in order", () =>
    Effect.gen(function*() {
      const { bus } = yield* inside
      const seen: Array<string> = []
      const member = (name: string) =>
        bus.handle(
          named("s"),
          options("t", broadcast),
          ({ attempt, payload, subscription }) =>
            Effect.andThen(
              Effect.sync(() => void seen.push(`${name} ${payload}`)),
              Effect.andThen(
                Effect.yieldNow,
                Effect.sync(() => void seen.push(`${name} ${payload} ${subscription} ${attempt}`))
              )
            )
        )
      yield* member("a")
      yield* member("b")
      yield* bus.publishMany([draft("t", 1), draft("t", 2), draft("other", 3)])
      for (let n = 0; n < 5; n++) yield* settle
      for (const name of ["a", "b"]) {
        const own = seen.filter((line) => line.startsWith(name))
        assert.deepStrictEqual(own, [
          `${name} 1`,
          `${name} 1 s 1`,
          `${name} 2`,
          `${name} 2 s 1`
        ])
      }
      const [counters] = bus.snapshot().subscriptions
      assert.deepInclude(counters, { matched: 0, pending: 0 })
      assert.strictEqual(bus.snapshot().unrouted, 3)
    }))

  it.effect("counts failures, of handler and filter, and goes on", () =>
    Effect.gen(function*() {
      const { bus } = yield* inside
      const seen: Array<unknown> = []
      yield* bus.handle(
        named("s"),
        options("t", { ...broadcast, ackTimeoutMs: 1_000 }),
        ({ payload }) =>
          payload === 1
            ? Effect.fail("no")
            : payload === 2
            ? Effect.die(new Error("never"))
            : payload === 3
            ? Effect.never
            : payload === 7
            ? Effect.interrupt
            : Effect.sync(() => void seen.push(payload)),
        undefined,
        {
          filter: (payload) => {
            if (payload === 4) throw new Error("no")
            return payload !== 5
          }
        }
      )
      yield* bus.publishMany([1, 2, 3, 4, 5, 6, 7, 8].map((n) => draft("t", n)))
      for (let n = 0; n < 200; n++) yield* settle // 2 s: one of them overruns.
      assert.deepStrictEqual(seen, [6, 8])
      assert.deepInclude(bus.snapshot().callbackErrors, ["t", 5])
    }))

  it.effect("has no pulls, and its members leave nothing behind (pitfall 46)", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inside
      for (let n = 0; n < 500; n++) {
        const scope = yield* Scope.make()
        const seen: Array<unknown> = []
        const handle = bus.handle(
          named("s"),
          options("t", broadcast),
          ({ payload }) => Effect.sync(() => void seen.push(payload))
        )
        yield* Scope.provide(handle, scope)
        yield* bus.publish(draft("t", n))
        yield* settle
        assert.deepStrictEqual(seen, [n])
        yield* Scope.close(scope, Exit.void)
        yield* bus.publish(draft("t", -1))
        yield* settle
        assert.lengthOf(seen, 1)
      }
      assert.deepStrictEqual([core.tails.cursors.size, core.tails.viewCount], [0, 0])
      assert.strictEqual(core.log.sizeBytes(), 0)
      const refused = yield* Effect.flip(bus.pull("s", 1, 0))
      assert.strictEqual(refused._tag, "SubscriptionBroadcast")
    }))

  it.effect("is the way to hear announcements; to compete for them is refused", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inside
      const refused = yield* Effect.flip(
        bus.handle(named("c"), options("message_bus.>"), () => Effect.void)
      )
      assert.strictEqual(refused._tag, "PatternReserved")
      const replies = yield* Effect.flip(
        bus.createSubscription(named("r"), options("_reply.*", broadcast))
      )
      assert.strictEqual(replies._tag, "PatternReserved")
      const seen: Array<string> = []
      yield* bus.handle(
        named("s"),
        options("message_bus.*", broadcast),
        ({ message }) => Effect.sync(() => void seen.push(message.topic))
      )
      yield* bus.createSubscription(named("any"), options("t"))
      yield* bus.publish(draft("t", 1))
      const [{ message } = assert.fail()] = yield* bus.pull("any", 1, 0)
      core.volatile.offer({ ...message, topic: draft("message_bus.pause", 0).topic })
      yield* settle
      assert.deepStrictEqual(seen, ["message_bus.pause"])
      yield* Effect.forkChild(bus.shards.setCount(3))
      for (let n = 0; n < 5; n++) yield* settle
      assert.deepStrictEqual(seen, ["message_bus.pause", "message_bus.resize"])
    }))
})
