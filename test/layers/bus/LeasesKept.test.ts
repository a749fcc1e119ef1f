import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life, payloads } from "./Edges.ts"

type Service = MessageBus["Service"]

/** A process that leases the first of some messages, for a minute, and closes. */
const leasing = (
  disk: SimulatedDisk,
  count: number,
  key: string | undefined,
  end: "closed" | "killed" = "closed"
) =>
  life(disk, end, ({ bus }) =>
    Effect.gen(function*() {
      const limits = { ackTimeoutMs: 60_000, maxAttempts: 3 }
      yield* bus.createSubscription(named("s"), options("t", limits))
      yield* settle
      for (let n = 0; n < count; n++) yield* bus.publish(draft("t", n, { key }))
      const [taken] = yield* bus.pull("s", 1, 0)
      return taken?.ackId ?? assert.fail("nothing was leased")
    }))

const pulled = (bus: Service) => Effect.map(bus.pull("s", 9, 0), payloads)

describe("leases of a process that closed", () => {
  for (const key of [undefined, "k"]) {
    const of = key === undefined ? "a message without a key" : "a message with a key"

    it.effect(`P7: ${of} is not handed out before its lease ends`, () =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        const ackId = yield* leasing(disk, 3, key)
        yield* life(disk, "closed", ({ bus }) =>
          Effect.gen(function*() {
            yield* settle
            assert.deepStrictEqual(yield* pulled(bus), key === undefined ? ["1", "2"] : [])
            const [{ inFlight, pending } = assert.fail("gone")] = bus.snapshot().subscriptions
            assert.deepStrictEqual([inFlight, pending], key === undefined ? [2, 3] : [0, 3])
            yield* TestClock.adjust("51 seconds") // The first process took 10 s to close.
            const again = yield* bus.pull("s", 9, 0)
            assert.deepStrictEqual(payloads(again), key === undefined ? ["0"] : ["0", "1", "2"])
            assert.strictEqual(again[0]?.attempt, 2)
            assert.deepStrictEqual(yield* bus.ack("s", [ackId]), { done: 0, unknown: [ackId] })
          }))
      }))

    it.effect(`${of} is acknowledged by the id it was leased under`, () =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        const ackId = yield* leasing(disk, 2, key)
        yield* life(disk, "closed", ({ bus, core }) =>
          Effect.gen(function*() {
            yield* settle
            yield* pulled(bus)
            assert.deepStrictEqual(yield* bus.ack("s", [ackId]), { done: 1, unknown: [] })
            assert.strictEqual(bus.snapshot().subscriptions[0]?.acked, 1)
            yield* TestClock.adjust("2 minutes")
            assert.strictEqual(core.leases.size, 0)
            assert.deepStrictEqual(yield* pulled(bus), ["1"])
          }))
      }))

    it.effect(`${of} comes at once when it is given back, or after the wait asked for`, () =>
      Effect.gen(function*() {
        for (const delayMs of [0, 5_000]) {
          const disk = new SimulatedDisk()
          const ackId = yield* leasing(disk, 1, key)
          yield* life(disk, "closed", ({ bus }) =>
            Effect.gen(function*() {
              yield* settle
              yield* pulled(bus)
              assert.strictEqual((yield* bus.nack("s", [ackId], delayMs)).done, 1)
              assert.deepStrictEqual(yield* pulled(bus), delayMs === 0 ? ["0"] : [])
              yield* TestClock.adjust("5 seconds")
              assert.deepStrictEqual(yield* pulled(bus), delayMs === 0 ? [] : ["0"])
            }))
        }
      }))

    it.effect(`the lease of ${of} can be prolonged, also over another restart`, () =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        const ackId = yield* leasing(disk, 1, key)
        yield* life(disk, "closed", ({ bus }) =>
          Effect.gen(function*() {
            yield* settle
            assert.strictEqual((yield* bus.extend("s", [ackId], 120_000)).done, 1)
            yield* TestClock.adjust("60 seconds")
            assert.deepStrictEqual(yield* pulled(bus), [])
          }))
        yield* life(disk, "closed", ({ bus }) =>
          Effect.gen(function*() {
            yield* settle
            assert.deepStrictEqual(yield* pulled(bus), [])
            yield* TestClock.adjust("60 seconds")
            assert.deepStrictEqual(yield* pulled(bus), ["0"])
          }))
      }))
  }

  /** A process that leases a normal message of key k, and leaves `high` high ones of that key. */
  const leasingBelow = (disk: SimulatedDisk, high: number) =>
    life(disk, "closed", ({ bus }) =>
      Effect.gen(function*() {
        yield* bus.createSubscription(named("s"), options("t", { ackTimeoutMs: 60_000 }))
        yield* bus.publish(draft("t", 0, { key: "k" }))
        const [taken] = yield* bus.pull("s", 1, 0)
        for (let n = 1; n <= high; n++) yield* bus.publish(draft("t", n, { key: "k", priority: 9 }))
        return taken?.ackId ?? assert.fail("nothing was leased")
      }))

  it.effect("P3: a lease keeps its key over both lanes, although the other one is read first", () =>
    Effect.gen(function*() {
      for (const end of ["ack", "nack", "extend"] as const) {
        const disk = new SimulatedDisk()
        const ackId = yield* leasingBelow(disk, 1)
        yield* life(disk, "closed", ({ bus }) =>
          Effect.gen(function*() {
            yield* settle
            assert.deepStrictEqual(yield* pulled(bus), [])
            if (end === "ack") yield* bus.ack("s", [ackId])
            else if (end === "nack") yield* bus.nack("s", [ackId], 10_000)
            else {
              assert.strictEqual((yield* bus.extend("s", [ackId], 90_000)).done, 1)
              yield* TestClock.adjust("80 seconds")
              assert.deepStrictEqual(yield* pulled(bus), [])
              yield* TestClock.adjust("10 seconds")
            }
            assert.deepStrictEqual(yield* pulled(bus), ["1"])
          }))
      }
    }))

  it.effect("a lease of a message that cannot be read for lack of room ends in its time", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* leasingBelow(disk, 5)
      const few = { readAhead: { count: 2, bytes: 1_000, allBytes: 1_000 } }
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual(yield* pulled(bus), [])
          yield* TestClock.adjust("51 seconds") // The first process took 10 s to close.
          assert.deepStrictEqual(yield* pulled(bus), ["1", "2"])
        }), few)
    }))

  it.effect("an ack of a leased message that was not read yet lets its key go on", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const ackId = yield* leasingBelow(disk, 5)
      const few = { readAhead: { count: 2, bytes: 1_000, allBytes: 1_000 } }
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual(yield* pulled(bus), [])
          assert.strictEqual((yield* bus.ack("s", [ackId])).done, 1)
          assert.deepStrictEqual(yield* pulled(bus), ["1", "2"])
        }), few)
    }))

  it.effect("a lease that ended in a process that was killed later holds nothing", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const ackId = yield* leasingBelow(disk, 1)
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.strictEqual((yield* bus.ack("s", [ackId])).done, 1)
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual(yield* pulled(bus), ["1"])
        }))
    }))

  it.effect("P3: the lease of an own row keeps its key over both lanes as well", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const ackId = yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          const limits = { ackTimeoutMs: 60_000, maxAttempts: 9 }
          yield* bus.createSubscription(named("s"), options("t", limits))
          yield* bus.publish(draft("t", 0, { key: "k" }))
          const [first] = yield* bus.pull("s", 1, 0)
          yield* bus.nack("s", [first?.ackId ?? ""], 6_000)
          yield* TestClock.adjust("6 seconds")
          const [taken] = yield* bus.pull("s", 1, 0)
          yield* bus.publish(draft("t", 1, { key: "k", priority: 9 }))
          return taken?.ackId ?? assert.fail("nothing was leased")
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual(yield* pulled(bus), [])
          assert.strictEqual((yield* bus.ack("s", [ackId])).done, 1)
          assert.deepStrictEqual(yield* pulled(bus), ["1"])
        }))
    }))

  it.effect("a process that was killed kept none: its deliveries come at once", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const ackId = yield* leasing(disk, 1, undefined, "killed")
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual(yield* bus.extend("s", [ackId], 1_000), {
            done: 0,
            unknown: [ackId]
          })
          assert.deepStrictEqual(yield* pulled(bus), ["0"])
        }))
    }))

  it.effect("a handler that takes over gets what was leased", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* leasing(disk, 2, "k")
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* settle
          const handled: Array<unknown> = []
          const limits = { ackTimeoutMs: 60_000, maxAttempts: 3 }
          yield* bus.handle(named("s"), options("t", limits), ({ payload }) =>
            Effect.sync(() => handled.push(payload)))
          yield* settle
          assert.deepStrictEqual(handled, [0, 1])
          assert.strictEqual(core.leases.size, 0)
        }))
    }))
})
