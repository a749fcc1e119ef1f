import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

/** A bus, and how to close it. */
const opened = (more: Parameters<typeof busLayer>[0]) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(busLayer(more), scope)
    return { bus: Context.get(context, MessageBus), close: Scope.close(scope, Exit.void) }
  })

describe("closing a bus", () => {
  it.effect("behaviour 77: running handlers end, no other message is taken, and it is quick", () =>
    Effect.gen(function*() {
      const { bus, close } = yield* opened({ shardCount: 2, workersPerShard: 2, drainMs: 5_000 })
      const done: Array<unknown> = []
      yield* bus.handle(
        named("s"),
        options("t"),
        ({ payload }) => Effect.andThen(Effect.sleep(100), Effect.sync(() => done.push(payload)))
      )
      yield* bus.publishMany([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => draft("t", n)))
      yield* settle
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("99 millis")
      assert.isDefined(closing.pollUnsafe())
      assert.deepStrictEqual(done, [0, 1])
      const [subscription] = bus.snapshot().subscriptions
      assert.deepStrictEqual([subscription?.acked, subscription?.pending], [2, 8])
    }))

  it.effect("a handler that does not end is cut off when the drain time is over", () =>
    Effect.gen(function*() {
      const { bus, close } = yield* opened({ drainMs: 5_000 })
      const ended = { interrupted: false }
      yield* bus.handle(
        named("s"),
        options("t"),
        () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.interrupted = true))
      )
      yield* bus.publish(draft("t", 1))
      yield* settle
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(closing.pollUnsafe())
      assert.isFalse(ended.interrupted)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      assert.isTrue(ended.interrupted)
      assert.strictEqual(bus.snapshot().subscriptions[0]?.pending, 1)
    }))

  it.effect("behaviour 78, pitfall 27: afterwards all is refused; closing twice is the same", () =>
    Effect.gen(function*() {
      const { bus, close } = yield* opened({})
      yield* bus.createSubscription(named("s"), options("t"))
      yield* close
      yield* close
      const refusals = [
        yield* Effect.flip(bus.publish(draft("t", 1))),
        yield* Effect.flip(bus.pull("s", 1, 0)),
        yield* Effect.flip(bus.ack("s", ["x"])),
        yield* Effect.flip(bus.createSubscription(named("u"), options("t"))),
        yield* Effect.flip(bus.deleteSubscription("s")),
        yield* Effect.flip(bus.replay({}, false))
      ]
      assert.deepStrictEqual([...new Set(refusals.map(({ _tag }) => _tag))], ["BusClosed"])
      assert.strictEqual(bus.snapshot().state, "Closed")
    }))

  it.effect("a consumer that waits for a message is told at once", () =>
    Effect.gen(function*() {
      const { bus, close } = yield* opened({})
      yield* bus.createSubscription(named("s"), options("t"))
      const waiting = yield* Effect.forkChild(Effect.flip(bus.pull("s", 1, 30_000)))
      yield* settle
      yield* close
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "BusClosed")
    }))
})
