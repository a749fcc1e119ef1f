import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life, payloads } from "./Edges.ts"

type Bus = MessageBus["Service"]

const keyed = (key: string, ...values: ReadonlyArray<number>) =>
  values.map((value) => draft("t", value, { key }))

/** Pulls one and gives it back with a wait. */
const giveBack = (bus: Bus, delayMs: number) =>
  Effect.gen(function*() {
    const [first] = yield* bus.pull("s", 1, 0)
    yield* bus.nack("s", [first?.ackId ?? ""], delayMs)
    return first
  })

const pulled = (bus: Bus) => Effect.map(bus.pull("s", 99, 0), payloads)

describe("waits of five seconds and more", () => {
  it.effect("survive a restart and a kill with their due time, holding their key only", () =>
    Effect.forEach(["closed", "killed"] as const, (end) =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        yield* life(disk, end, ({ bus, core }) =>
          Effect.gen(function*() {
            yield* bus.createSubscription(named("s"), options("t"))
            yield* bus.publishMany([...keyed("a", 1, 2), ...keyed("b", 3)])
            yield* giveBack(bus, 60_000)
            assert.deepInclude(core.ownRows, { count: 1 })
          }))
        // 10 seconds pass while the bus ends.
        yield* life(disk, "closed", ({ bus }) =>
          Effect.gen(function*() {
            yield* settle
            const [other] = yield* bus.pull("s", 99, 0)
            assert.strictEqual(other?.message.payload, "3")
            yield* bus.ack("s", [other?.ackId ?? ""])
            yield* bus.publishMany(keyed("a", 4))
            yield* TestClock.adjust("49 seconds")
            assert.deepStrictEqual(yield* pulled(bus), [])
            yield* TestClock.adjust("2 seconds")
            const again = yield* bus.pull("s", 99, 0)
            assert.deepStrictEqual(payloads(again), ["1", "2", "4"])
            assert.strictEqual(again.find(({ message }) => message.payload === "1")?.attempt, 2)
            yield* bus.ack("s", again.map(({ ackId }) => ackId))
          }))
        yield* life(disk, "closed", ({ bus, core }) =>
          Effect.gen(function*() {
            yield* settle
            assert.deepStrictEqual(yield* pulled(bus), [])
            assert.strictEqual(core.ownRows.count, 0)
          }))
      })))

  it.effect("free the slot of a handler's delivery at once; the key waits", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen: Array<unknown> = []
      yield* bus.handle(
        named("s"),
        options("t"),
        ({ attempt, payload }) => {
          seen.push(payload)
          return attempt === 1 && payload === 1 ? Effect.fail("not yet") : Effect.void
        },
        { baseMs: 30_000, factor: 1, capMs: 30_000, jitter: 0 }
      )
      yield* bus.publishMany([...keyed("a", 1, 2), ...keyed("b", 3)])
      yield* settle
      assert.deepStrictEqual(seen.toSorted(), [1, 3])
      const slots = () => bus.snapshot().shards.reduce((sum, shard) => sum + shard.slots, 0)
      assert.strictEqual(slots(), 1) // That of the one behind it.
      assert.strictEqual(bus.snapshot().ownRows.count, 1)
      yield* TestClock.adjust("31 seconds")
      assert.deepStrictEqual(seen.slice(2), [1, 2])
      assert.strictEqual(slots(), 0)
      assert.deepInclude(bus.snapshot().subscriptions[0], { acked: 3, pending: 0 })
    }).pipe(Effect.provide(busLayer())))

  it.effect("of a run come back in order, whichever was given back first", () =>
    Effect.forEach([[0, 1], [1, 0]] as const, ([first, second]) =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        yield* life(disk, "killed", ({ bus }) =>
          Effect.gen(function*() {
            yield* bus.createSubscription(named("s"), options("t"))
            yield* bus.publishMany(keyed("a", 1, 2, 3))
            const run = (yield* bus.pull("s", 9, 0)).map(({ ackId }) => ackId)
            yield* bus.nack("s", [run[first] ?? ""], 20_000)
            yield* bus.nack("s", [run[second] ?? ""], 20_000)
          }))
        yield* life(disk, "closed", ({ bus }) =>
          Effect.gen(function*() {
            yield* settle
            assert.deepStrictEqual(yield* pulled(bus), [])
            yield* TestClock.adjust("30 seconds")
            assert.deepStrictEqual(yield* pulled(bus), ["1", "2", "3"])
          }))
      })))

  it.effect("without room for a row are ordinary waits, and nothing is lost", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const more = { ownRows: { countMax: 1, bytesMax: 1e6 } }
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ordering: "none" }))
          yield* bus.publishMany([1, 2].map((value) => draft("t", value)))
          yield* giveBack(bus, 20_000)
          yield* giveBack(bus, 20_000)
          assert.deepInclude(core.ownRows, { count: 1, refused: 1 })
          yield* TestClock.adjust("21 seconds")
          assert.deepStrictEqual((yield* pulled(bus)).toSorted(), ["1", "2"])
        }), more)
    }))

  it.effect("are swept out when their subscription changes hands again and again", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t"))
          yield* bus.publishMany(Array.from({ length: 500 }, (_, n) => draft("t", n)))
          const all = yield* bus.pull("s", 500, 0)
          yield* bus.nack("s", all.map(({ ackId }) => ackId), 3_600_000)
          for (let round = 0; round < 10; round++) {
            yield* Effect.scoped(bus.handle(named("s"), options("t"), () => Effect.void))
          }
          assert.strictEqual(core.ownRows.count, 500)
          assert.isAtMost(core.retries.size, 2_500)
        }))
    }))
})

describe("the progress of a lane", () => {
  it.effect("has a bounded number of ranges: the oldest not handed out get rows of their own", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const count = 40
      const more = { rangesMax: 5 }
      const left = yield* life(disk, "killed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ordering: "none" }))
          yield* bus.publishMany(Array.from({ length: count }, (_, n) => draft("t", n)))
          const all = yield* bus.pull("s", count, 0)
          const even = all.filter((_, at) => at % 2 === 0)
          const back = all.filter((_, at) => at % 2 === 1 && at > 10)
          yield* bus.nack("s", back.map(({ ackId }) => ackId), 4_000)
          yield* bus.ack("s", even.map(({ ackId }) => ackId))
          // Five are still leased and stay; of the fifteen others enough left the lane.
          assert.isAtLeast(core.ownRows.count, 10)
          const consumer = core.consumers.get("s")
          const cursors = consumer?.tracks.flatMap((track) => track?.cursor(1) ?? []) ?? []
          assert.isTrue(cursors.every(({ ranges }) => ranges.length / 2 <= 6))
          assert.strictEqual((yield* bus.ack("s", [all[1]?.ackId ?? ""])).done, 1)
          return all.filter((_, at) => at % 2 === 1 && at !== 1).map(({ message }) =>
            message.payload
          )
        }), more)
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual((yield* pulled(bus)).toSorted(), left.toSorted())
        }), more)
    }))

  it.effect("a lane is not shortened by what a consumer of a former process holds", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const ackId = yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ackTimeoutMs: 60_000 }))
          yield* bus.publishMany(Array.from({ length: 7 }, (_, n) => draft("t", n)))
          const [taken] = yield* bus.pull("s", 1, 0)
          return taken?.ackId ?? assert.fail("nothing was leased")
        }))
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* settle
          const others = yield* bus.pull("s", 9, 0)
          const odd = others.filter((_, at) => at % 2 === 0).map((taken) => taken.ackId)
          const even = others.filter((_, at) => at % 2 === 1).map((taken) => taken.ackId)
          yield* bus.nack("s", even, 1_000)
          assert.strictEqual((yield* bus.ack("s", odd)).done, 3)
          assert.isAbove(core.ownRows.count, 0)
          assert.deepStrictEqual(yield* bus.ack("s", [ackId]), { done: 1, unknown: [] })
        }), { rangesMax: 0 })
    }))
})
