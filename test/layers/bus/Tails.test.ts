import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, References, Scope } from "effect"
import { TestClock } from "effect/testing"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { drain, inMemory, numbers, payloadsOf, range, tailOf } from "./Tailing.ts"

describe("tails", () => {
  it.effect("all see every match from when they opened, in order of each topic", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      yield* bus.publish(draft("t.0", -1))
      const all = yield* tailOf(bus, ">")
      const same = yield* tailOf(bus, ">")
      const some = yield* tailOf(bus, "t.3")
      yield* bus.publishMany(numbers(100))
      assert.deepStrictEqual(payloadsOf(yield* drain(all)), range(100))
      assert.deepStrictEqual(payloadsOf(yield* drain(same)), range(100))
      assert.deepStrictEqual(payloadsOf(yield* drain(some)), range(100).filter((n) => n % 7 === 3))
      assert.deepStrictEqual(bus.snapshot().tails, { open: 3, reading: 0, events: 214, gaps: 0 })
    }))

  it.effect("of a subscription show what its filter passes, and take nothing from it", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const filter = { payload: { gte: 95 } }
      yield* bus.createSubscription(named("s"), options("t.*", { filter }))
      const tail = yield* bus.tails.open({ of: { subscription: "s" }, from: "now" })
      yield* bus.publishMany(numbers(100))
      assert.deepStrictEqual(payloadsOf(yield* drain(tail)), range(5, 95))
      assert.lengthOf(yield* bus.pull("s", 100, 0), 5)
    }))

  it.effect("show no message whose time has passed", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const tail = yield* tailOf(bus, ">")
      yield* bus.publishMany([draft("t", 1, { expiresAt: 1_000 }), draft("t", 2)])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(payloadsOf(yield* drain(tail)), [2])
    }))

  it.effect("wait, are woken once per burst, and sleep through what is not for them", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inMemory()
      const mine = yield* tailOf(bus, "mine")
      const fiber = yield* Effect.forkChild(mine.next())
      yield* settle
      yield* bus.publishMany(numbers(100))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      const [cursor] = core.tails.cursors
      assert.strictEqual(cursor?.view.parked.size, 1)
      yield* bus.publishMany([draft("mine", 1), draft("mine", 2)])
      yield* settle
      yield* bus.publish(draft("other", 3))
      assert.deepStrictEqual(payloadsOf(yield* Fiber.join(fiber)), [1, 2])
      // It stands where it would stand had it seen the hundred, and resumes from there.
      const again = yield* tailOf(bus, ">", { position: mine.position() })
      assert.deepStrictEqual(payloadsOf(yield* drain(again)), [3])
    }))

  it.effect("a wait that is over or interrupted loses nothing", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const tail = yield* tailOf(bus, ">")
      const timed = yield* Effect.forkChild(tail.next({ waitMs: 100 }))
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* Fiber.join(timed), [])
      const waiting = yield* Effect.forkChild(tail.next())
      yield* settle
      yield* Fiber.interrupt(waiting)
      yield* bus.publishMany(numbers(3))
      assert.deepStrictEqual(payloadsOf(yield* drain(tail)), range(3))
    }))

  it.effect("miss nothing that comes, and no end, just before they sleep", () =>
    Effect.forEach([4, 5, 6, 7, 8], (operations) =>
      Effect.scoped(Effect.gen(function*() {
        const { bus, core } = yield* inMemory()
        const tail = yield* tailOf(bus, "t")
        const seen: Array<number> = []
        const follow = Effect.map(tail.next({ waitMs: 60_000 }), (events) => {
          seen.push(...payloadsOf(events))
        })
        // So that others run between any two steps of the tail.
        const fiber = yield* Effect.forkChild(
          Effect.provideService(Effect.forever(follow), References.MaxOpsBeforeYield, operations)
        )
        for (let n = 0; n < 100; n++) {
          yield* bus.publish(draft("t", n))
          for (let turn = 0; turn < n % 7; turn++) yield* Effect.yieldNow
        }
        core.tails.end("Closed")
        for (let turn = 0; turn < 100; turn++) yield* settle // It yields often.
        assert.isDefined(fiber.pollUnsafe())
        assert.deepStrictEqual(seen, range(100))
      }))))

  it.effect("push what comes while there is room, and go on where they stopped", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inMemory()
      const tail = yield* tailOf(bus, "t")
      const seen: Array<number> = []
      const room = { left: 3 }
      const follow = tail.follow({ countMax: 2, bytesMax: 1_000 }, (events) => {
        seen.push(...payloadsOf(events))
        return --room.left > 0
      })
      const fiber = yield* Effect.forkChild(follow)
      yield* settle
      yield* bus.publish(draft("t", 0))
      yield* settle
      yield* bus.publish(draft("other", 0))
      yield* bus.publish(draft("t", 1))
      yield* settle
      assert.deepStrictEqual(seen, [0, 1])
      assert.isUndefined(fiber.pollUnsafe())
      assert.strictEqual([...core.tails.cursors][0]?.view.parked.size, 1) // It sleeps again.
      yield* bus.publishMany(range(5, 2).map((n) => draft("t", n)))
      yield* settle
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, range(4))
      room.left = 2
      const again = yield* Effect.forkChild(follow)
      yield* settle
      assert.deepStrictEqual(seen, range(7))
      yield* Fiber.join(again)
      room.left = 9
      const last = yield* Effect.forkChild(Effect.exit(follow))
      yield* bus.publish(draft("t", 7))
      core.tails.end("Closed")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(last)))
      assert.deepStrictEqual(seen, range(8))
    }))

  it.effect("that push into a writer that throws leave the others alone", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const seen: Array<number> = []
      const wanted = { countMax: 2, bytesMax: 1_000 }
      const bad = yield* tailOf(bus, "t")
      const broken = yield* Effect.forkChild(Effect.exit(bad.follow(wanted, () => {
        throw new Error("broken")
      })))
      const good = yield* tailOf(bus, "t")
      yield* Effect.forkChild(good.follow(wanted, (events) => seen.push(...payloadsOf(events)) > 0))
      yield* settle
      yield* bus.publish(draft("t", 1))
      yield* settle
      assert.isTrue(Exit.hasDies(yield* Fiber.join(broken)))
      assert.deepStrictEqual(seen, [1])
    }))

  it.effect("show announcements to those that name them, in order of arrival", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inMemory()
      yield* bus.createSubscription(named("s"), options("t.>"))
      const both = yield* tailOf(bus, "message_bus.*")
      const all = yield* tailOf(bus, ">")
      const replies = yield* tailOf(bus, "_reply.>")
      yield* bus.publish(draft("t.1", 1))
      const [{ message } = assert.fail()] = yield* bus.pull("s", 1, 0)
      core.volatile.offer({ ...message, topic: draft("message_bus.pause", 0).topic })
      const [event] = yield* drain(both)
      assert.deepInclude(event, { _tag: "Message", position: undefined })
      assert.deepStrictEqual(payloadsOf(yield* drain(all)), [1])
      core.volatile.offer({ ...message, topic: draft("_reply.a.b", 0).topic })
      assert.deepStrictEqual(yield* drain(replies), [])
    }))

  it.effect("end with their subscription and with the bus; what is there comes first", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { bus } = yield* Scope.provide(inMemory({ drainMs: 0 }), scope)
      yield* bus.createSubscription(named("s"), options("t.*"))
      const deleted = yield* bus.tails.open({ of: { subscription: "s" }, from: "now" })
      const closed = yield* tailOf(bus, "t.*")
      const waiting = yield* Effect.forkChild(Effect.flip(deleted.next()))
      yield* settle
      yield* bus.deleteSubscription("s")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "SubscriptionUnknown")
      yield* bus.publish(draft("t.1", 1))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(payloadsOf(yield* closed.next()), [1])
      assert.strictEqual((yield* Effect.flip(closed.next()))._tag, "BusClosed")
      assert.strictEqual((yield* Effect.flip(tailOf(bus, ">")))._tag, "BusClosed")
    }))

  it.effect("are limited, and 10,000 that open and close leave nothing behind (pitfall 46)", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inMemory({ tailsMax: 3 })
      for (let n = 0; n < 10_000; n++) {
        yield* Effect.scoped(Effect.andThen(
          tailOf(bus, n % 2 === 0 ? "t.1" : "t.2"),
          n % 100 === 0 ? bus.publish(draft("t.1", n)) : Effect.void
        ))
      }
      const { tails } = core
      assert.deepStrictEqual([tails.cursors.size, tails.viewCount, tails.isOpen], [0, 0, false])
      assert.deepStrictEqual([tails.ring.bytes, tails.ring.next - tails.ring.first], [0, 0])
      yield* tailOf(bus, "a")
      yield* tailOf(bus, "a")
      yield* tailOf(bus, "a")
      const refused = yield* Effect.flip(tailOf(bus, "a"))
      assert.deepInclude(refused, { _tag: "TailLimit", limit: 3 })
    }))
})
