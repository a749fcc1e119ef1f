import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life, payloads } from "./Edges.ts"

const limits = { prestopMs: 5_000, drainMs: 20_000 }

/** A bus and its scope. */
const opened = Effect.gen(function*() {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(busLayer(limits), scope)
  const bus = Context.get(context, MessageBus)
  yield* bus.createSubscription(named("s"), options("t"))
  return { bus, close: Scope.close(scope, Exit.void) }
})

const publishing = (bus: MessageBus["Service"]) =>
  Effect.match(bus.publish(draft("t", 1)), {
    onFailure: ({ _tag }) => _tag,
    onSuccess: () => "accepted"
  })

describe("draining a bus", () => {
  it.effect("P7: is leaving at once, takes all for the delay before the stop, then refuses", () =>
    Effect.gen(function*() {
      const { bus } = yield* opened
      const draining = yield* Effect.forkChild(bus.drain)
      yield* settle
      assert.strictEqual(bus.snapshot().state, "Leaving")
      assert.strictEqual(yield* publishing(bus), "accepted")
      const [first] = yield* bus.pull("s", 1, 0)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(bus.snapshot().state, "Closing")
      assert.strictEqual(yield* publishing(bus), "BusClosed")
      assert.strictEqual((yield* Effect.flip(bus.pull("s", 1, 0)))._tag, "BusClosed")
      // Acks are taken, and the bus ends early once nothing is handed out.
      assert.isUndefined(draining.pollUnsafe())
      assert.strictEqual((yield* bus.ack("s", [first?.ackId ?? ""])).done, 1)
      yield* TestClock.adjust("100 millis")
      assert.isDefined(draining.pollUnsafe())
      assert.strictEqual(bus.snapshot().state, "Closed")
    }))

  it.effect("behaviour 78: twice, or closed as well, is one end; an interrupt stops nothing", () =>
    Effect.gen(function*() {
      const { bus, close } = yield* opened
      yield* bus.publish(draft("t", 1))
      yield* bus.pull("s", 1, 0)
      const first = yield* Effect.forkChild(bus.drain)
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkChild(bus.drain)
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("20 seconds")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.isDefined(second.pollUnsafe())
      assert.isDefined(closing.pollUnsafe())
    }))

  it.effect("pitfall 26: ends in bounded time beside a handler that cannot be interrupted", () =>
    Effect.gen(function*() {
      const { bus, close } = yield* opened
      yield* bus.handle(named("h"), options("t"), () => Effect.uninterruptible(Effect.never))
      yield* bus.publish(draft("t", 1))
      yield* settle
      const closing = yield* Effect.forkChild(close)
      yield* TestClock.adjust("19 seconds")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("5 seconds")
      assert.isDefined(closing.pollUnsafe())
      const handled = bus.snapshot().subscriptions.find(({ name }) => name === "h")
      assert.strictEqual(handled?.pending, 1)
    }).pipe(Effect.scoped))

  it.effect("pitfall 26: ends in bounded time over a log that hangs", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t"))
          yield* bus.publish(draft("t", 1))
          const [first] = yield* bus.pull("s", 1, 0)
          Object.assign(core.log, { commit: () => Effect.never })
          yield* Effect.forkChild(bus.ack("s", [first?.ackId ?? ""]))
          yield* settle
        }))
    }))

  it.effect("P7: live leases are honoured by the successor, with their ack ids", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const leases = yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ackTimeoutMs: 60_000 }))
          yield* bus.publishMany(
            [1, 2, 3].map((n) => draft("t", n, { key: n === 3 ? undefined : "k" }))
          )
          return yield* bus.pull("s", 1, 0).pipe(
            Effect.zip(bus.pull("s", 9, 0)),
            Effect.map(([first, others]) => [...first, ...others])
          )
        }))
      assert.deepStrictEqual(payloads(leases).toSorted(), ["1", "3"])
      const ackIds = leases.map(({ ackId }) => ackId)
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          // The second of the key waits behind the first.
          assert.deepStrictEqual(payloads(yield* bus.pull("s", 9, 0)), [])
          assert.deepStrictEqual(yield* bus.ack("s", ackIds.slice(0, 1)), {
            done: 1,
            unknown: []
          })
          assert.deepStrictEqual(payloads(yield* bus.pull("s", 9, 0)), ["2"])
          yield* bus.extend("s", ackIds.slice(1), 100_000)
          yield* TestClock.adjust("55 seconds")
          assert.isEmpty(
            (yield* bus.pull("s", 9, 0)).filter(({ message: { payload } }) => payload === "3")
          )
          yield* bus.nack("s", ackIds.slice(1), 0)
          yield* settle
          const again = yield* bus.pull("s", 9, 0)
          assert.deepStrictEqual(again.map(({ attempt }) => attempt), [2])
        }))
    }))
})

describe("the fibres of a bus", () => {
  it.effect("pitfall 18: are started again when a bug ends one, counted, and go on", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ackTimeoutMs: 1_000 }))
          yield* bus.publishMany([1, 2].map((n) => draft("t", n)))
          yield* bus.pull("s", 1, 0)
          const { random } = core.options
          Object.assign(core.options, {
            random: () => {
              throw new Error("a bug")
            }
          })
          yield* TestClock.adjust("1500 millis")
          const restarts = () => new Map(bus.snapshot().fibreRestarts)
          assert.strictEqual(restarts().get("leases"), 1)
          assert.strictEqual(restarts().get("settler"), 0)
          Object.assign(core.options, { random })
          yield* TestClock.adjust("1 second")
          yield* bus.pull("s", 1, 0)
          yield* TestClock.adjust("2 seconds")
          const again = yield* bus.pull("s", 1, 0)
          assert.deepStrictEqual(again.map(({ attempt }) => attempt), [2])
          assert.strictEqual(restarts().get("leases"), 1)
        }))
    }))
})
