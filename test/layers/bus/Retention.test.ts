import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import type * as Bus from "../../../src/layers/bus/Bus.ts"
import type { Core } from "../../../src/layers/bus/Core.ts"
import { lowestFloors } from "../../../src/layers/bus/Floors.ts"
import type { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { drain } from "./DelayedPublishes.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

type Service = MessageBus["Service"]

const second = { everyMs: 1_000, ageMs: 60_000, bytesMax: Number.POSITIVE_INFINITY }

const publish = (bus: Service, topic: string, numbers: ReadonlyArray<number>) =>
  Effect.forEach(numbers, (n) => bus.publish(draft(topic, n)), { discard: true })

const ten = Array.from({ length: 10 }, (_, n) => n)

/** Retained entries of the lanes that hold any. */
const retained = ({ log }: Core) =>
  Array.from({ length: 128 }, (_, logLane) => log.head(logLane) - log.first(logLane))
    .reduce((sum, count) => sum + count, 0)

const over = (
  more: Partial<Bus.BusOptions>,
  use: (
    made: { readonly bus: Service; readonly core: Core },
    disk: SimulatedDisk
  ) => Effect.Effect<void, unknown, Scope.Scope>
) => {
  const disk = new SimulatedDisk()
  return life(disk, "closed", (made) => use(made, disk), { retention: second, ...more })
}

describe("retention", () => {
  it.effect("deletes what is too old, and only what every subscription is done with", () =>
    over({}, ({ bus, core }) =>
      Effect.gen(function*() {
        yield* bus.createSubscription(named("fast"), options("t"))
        yield* bus.createSubscription(named("slow"), options("t"))
        yield* settle
        yield* publish(bus, "t", ten)
        yield* drain(bus, "fast")
        yield* TestClock.adjust("90 seconds")
        assert.strictEqual(retained(core), 10)
        const taken = yield* bus.pull("slow", 4, 0)
        yield* bus.ack("slow", taken.map(({ ackId }) => ackId))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(retained(core), 6)
        assert.strictEqual(bus.snapshot().retention.deleted, 4)
        assert.deepStrictEqual(yield* drain(bus, "slow"), [4, 5, 6, 7, 8, 9])
        yield* publish(bus, "t", [10])
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(retained(core), 1)
      })))

  it.effect("a subscription that wants nothing of a busy log does not hold it", () =>
    over({}, ({ bus, core }) =>
      Effect.gen(function*() {
        yield* bus.createSubscription(named("narrow"), options("rare"))
        yield* bus.createSubscription(named("far"), options("t", { from: "earliest" }))
        yield* settle
        yield* publish(bus, "t", ten)
        yield* drain(bus, "far")
        yield* TestClock.adjust("90 seconds")
        assert.strictEqual(retained(core), 0)
        assert.strictEqual(core.log.oldest(), undefined)
      })))

  it.effect("deletes the oldest while the log is larger than it may be", () =>
    over(
      { retention: { ...second, bytesMax: 20_000 } },
      ({ bus, core }, disk) =>
        Effect.gen(function*() {
          yield* settle
          yield* Effect.forEach(ten, () => bus.publish(draft("t", "x".repeat(5_000))))
          assert.isAbove(core.log.sizeBytes(), 50_000)
          yield* TestClock.adjust("2 seconds")
          assert.isAtMost(core.log.sizeBytes(), 20_000)
          assert.strictEqual(retained(core), 10 - disk.blocksDeleted)
        })
    ))

  it.effect("`from: earliest` begins at what is retained, also after a restart", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const opts = { retention: second }
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* publish(bus, "t", ten)
          yield* TestClock.adjust("90 seconds")
          yield* publish(bus, "t", [10, 11])
        }), opts)
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { from: "earliest" }))
          yield* settle
          assert.deepStrictEqual(yield* drain(bus), [10, 11])
          const lane = core.seen.findIndex((seen) => seen > 0)
          assert.deepStrictEqual([core.log.first(lane), core.log.head(lane)], [10, 12])
        }), opts)
    }))

  it.effect("nothing is deleted before the end of its deliveries is stored", () =>
    over({}, ({ bus, core }, disk) =>
      Effect.gen(function*() {
        yield* bus.handle(named("s"), options("t"), () => Effect.void)
        yield* settle
        yield* publish(bus, "t", ten)
        yield* TestClock.adjust("61 seconds")
        const deleted = disk.blocksDeleted
        disk.faults = { delayMsMax: 0, failing: 1 }
        yield* Effect.ignore(Effect.forkChild(bus.publish(draft("t", 11))))
        yield* TestClock.adjust("70 seconds")
        assert.strictEqual(disk.blocksDeleted, deleted)
        disk.faults = { delayMsMax: 0, failing: 0 }
        yield* TestClock.adjust("70 seconds")
        assert.strictEqual(retained(core), 0)
      })))

  it.effect("keeps what a consumer holds that is about to be replaced", () =>
    over({}, ({ bus }) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        const scope = yield* Scope.make()
        const limits = { ordering: "topic", ackTimeoutMs: 600_000 } as const
        yield* Scope.provide(
          bus.handle(named("s"), options("t", limits), () => Deferred.await(gate)),
          scope
        )
        yield* settle
        yield* publish(bus, "t", ten)
        yield* settle
        const detaching = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("90 seconds")
        assert.isUndefined(detaching.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        yield* settle
        yield* settle
        assert.deepStrictEqual(yield* drain(bus), ten.slice(1))
      })))

  it.effect("floors follow what is looked at, while consumers lag and once they are live", () =>
    over(
      { readAhead: { count: 2, bytes: 1_000, allBytes: 10_000 } },
      ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ordering: "none" }))
          yield* settle
          yield* publish(bus, "t", ten)
          yield* settle
          const lane = core.seen.findIndex((seen) => seen === 10)
          const floor = Effect.map(lowestFloors(core), (floors) => floors[lane])
          assert.strictEqual(yield* floor, 0)
          const [first, next] = yield* bus.pull("s", 2, 0)
          yield* bus.ack("s", [next?.ackId ?? ""])
          assert.strictEqual(yield* floor, 0)
          yield* bus.ack("s", [first?.ackId ?? ""])
          yield* settle
          assert.strictEqual(yield* floor, 2)
          for (let n = 2; n < 10; n += 2) { // Two fit at a time.
            yield* drain(bus)
            yield* settle
          }
          assert.strictEqual(yield* floor, 10)
        })
    ))
})

describe("the backlog gate", () => {
  const small = { backlogBytesMax: 10_000, retention: { ...second, everyMs: 5_000 } }

  it.effect("closes at 0.8 of the bytes that must be kept, and opens under 0.5", () =>
    over(small, ({ bus, core }) =>
      Effect.gen(function*() {
        yield* bus.createSubscription(named("lazy"), options("t"))
        yield* bus.createSubscription(named("fast"), options("t"))
        yield* settle
        const kilobyte = draft("t", "x".repeat(998))
        const publishes = yield* Effect.forEach(ten, () =>
          Effect.andThen(TestClock.adjust("200 millis"), Effect.result(bus.publish(kilobyte))))
        assert.deepStrictEqual(
          publishes.map(({ _tag }) =>
            _tag
          ),
          [...new Array(8).fill("Success"), "Failure", "Failure"]
        )
        const refused = yield* Effect.flip(bus.publish(draft("elsewhere", 1)))
        assert.strictEqual(refused._tag, "BacklogFull")
        const { degraded, refused: counted, retention } = bus.snapshot()
        assert.deepStrictEqual([retention.backlogGate, counted["BacklogFull"]], ["Closed", 3])
        assert.include(degraded[0], "holds most of it (8000 bytes)")
        yield* Effect.forEach(["fast", "lazy"], (name) =>
          Effect.flatMap(bus.pull(name, 4, 0), (taken) =>
            bus.ack(
              name,
              taken.slice(0, 3).map(({ ackId }) =>
                ackId
              )
            )))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(core.backlog.gate, "Closed") // At 0.5 exactly: 5 are left.
        yield* Effect.forEach(["fast", "lazy"], (name) =>
          Effect.flatMap(bus.pull(name, 4, 0), (taken) =>
            bus.ack(
              name,
              taken.map(({ ackId }) =>
                ackId
              )
            )))
        yield* TestClock.adjust("40 seconds") // The leases that were not acknowledged end.
        yield* drain(bus, "lazy")
        yield* drain(bus, "fast")
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([core.backlog.gate, core.backlog.bytes], ["Open", 0])
        yield* bus.publish(kilobyte)
        const gates = bus.decisions({ kind: "gate" }, -1, 9).map(({ outcome }) =>
          outcome
        )
        assert.deepStrictEqual(gates, ["Closed", "Open"])
      })))

  it.effect("does not close for messages whose consumers keep pace", () =>
    over(small, ({ bus }) =>
      Effect.gen(function*() {
        yield* bus.handle(named("s"), options("t"), () => Effect.void)
        yield* settle
        for (let n = 0; n < 40; n++) { // Four times the limit, within one interval.
          yield* bus.publish(draft("t", "x".repeat(998)))
          yield* TestClock.adjust("20 millis")
        }
        assert.deepStrictEqual(bus.snapshot().refused, {})
      })))

  it.effect("counts deliveries with rows of their own and delayed messages", () =>
    over(small, ({ bus, core }) =>
      Effect.gen(function*() {
        yield* bus.publish(draft("t", "x".repeat(998), { deliverAt: 60_000_000 }))
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(core.backlog.bytes, 1_000)
      })))
})
