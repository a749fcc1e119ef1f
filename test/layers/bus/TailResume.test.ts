import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ringCountMax } from "../../../src/layers/bus/TailRing.ts"
import { positionEvery } from "../../../src/services/Tails.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"
import { ascending, drain, inMemory, numbers, payloadsOf, range, tailOf } from "./Tailing.ts"

describe("tails that lag or come back", () => {
  it.effect("give a position once in 64 events, behind which a resume goes on", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const positions = yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          const tail = yield* tailOf(bus, ">")
          yield* bus.publishMany(numbers(1_000))
          const events = yield* drain(tail)
          assert.deepStrictEqual(payloadsOf(events), range(1_000))
          return events.flatMap(({ position }, at) =>
            position === undefined ? [] : [{ at, position }]
          )
        }))
      assert.isAtLeast(positions.length, Math.floor(1_000 / positionEvery))
      positions.forEach(({ at }, n) =>
        assert.isAtMost(at - (positions[n - 1]?.at ?? -1), positionEvery)
      )
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.publishMany(numbers(10, 1_000))
          for (const { at, position } of positions) {
            const tail = yield* tailOf(bus, ">", { position })
            const payloads = payloadsOf(yield* drain(tail))
            assert.deepStrictEqual(ascending(payloads), range(1_010 - at - 1, at + 1))
          }
        }))
    }))

  it.effect(
    "slow ones of a log that keeps everything catch up without loss, then follow",
    () =>
      Effect.gen(function*() {
        yield* life(new SimulatedDisk(), "closed", ({ bus, core }) =>
          Effect.gen(function*() {
            const slow = yield* tailOf(bus, ">")
            const quick = yield* tailOf(bus, "t.6")
            yield* bus.publish(draft("t.0", 0))
            assert.deepStrictEqual(payloadsOf(yield* slow.next()), [0])
            const count = ringCountMax + 2_000
            for (let from = 1; from < count; from += 1_000) {
              yield* bus.publishMany(numbers(1_000, from))
              yield* drain(quick)
            }
            assert.isAbove(core.tails.ring.first, 1)
            const payloads = payloadsOf(yield* drain(slow))
            assert.strictEqual(new Set(payloads).size, payloads.length)
            assert.isAtLeast(payloads.length, count - 1)
            yield* bus.publishMany(numbers(5, -5))
            assert.deepStrictEqual(payloadsOf(yield* slow.next()), range(5, -5))
            assert.deepInclude(bus.snapshot().tails, { reading: 0, gaps: 0 })
          }))
      }),
    60_000
  )

  it.effect(
    "slow ones of a log that forgets learn how much they missed",
    () =>
      Effect.gen(function*() {
        const { bus } = yield* inMemory()
        const slow = yield* tailOf(bus, "t.*")
        const batches = Math.ceil(ringCountMax / 1_000) + 2
        for (let n = 0; n < batches; n++) yield* bus.publishMany(numbers(1_000, n * 1_000))
        const [gap, ...rest] = yield* drain(slow)
        const missed = batches * 1_000 - ringCountMax
        assert.deepInclude(gap, { _tag: "Gap", reason: "Slow", missed })
        assert.deepStrictEqual(payloadsOf(rest), range(ringCountMax, missed))
        assert.strictEqual(bus.snapshot().tails.gaps, 1)
      }),
    60_000
  )

  it.effect("one that waits misses nothing of a burst larger than the ring, where it is kept", () =>
    Effect.gen(function*() {
      yield* life(new SimulatedDisk(), "closed", ({ bus }) =>
        Effect.gen(function*() {
          const tail = yield* tailOf(bus, "t.1")
          const fiber = yield* Effect.forkChild(tail.next())
          yield* settle
          const large = "x".repeat(200_000)
          yield* bus.publishMany(
            range(100).map((n) => draft(n < 5 ? "t.1" : "t.2", `${n} ${large}`))
          )
          yield* settle
          const events = [...(yield* Fiber.join(fiber)), ...(yield* drain(tail))]
          assert.lengthOf(events, 5) // All of them had left the ring.
        }), { limits: { slotsMax: 10_000, bytesMax: 2 ** 30 } })
    }))

  it.effect("from the earliest show all that is kept, then what comes", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus }) => bus.publishMany(numbers(600)))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          const tail = yield* tailOf(bus, ">", "earliest")
          const first = yield* tail.next({ countMax: 5 })
          assert.lengthOf(first, 5)
          yield* bus.publishMany(numbers(10, 600))
          const rest = yield* drain(tail)
          assert.deepStrictEqual(ascending(payloadsOf([...first, ...rest])), range(610))
        }))
      const { bus } = yield* inMemory()
      yield* bus.createSubscription(named("s"), options("t.>"))
      yield* bus.publishMany([...numbers(10), draft("nobody", 99)])
      const kept = yield* tailOf(bus, ">", "earliest")
      assert.deepStrictEqual(ascending(payloadsOf(yield* drain(kept))), range(10))
    }))

  it.effect("take no position of another log, nor of a part that was lost, without saying so", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      yield* bus.createSubscription(named("s"), options("t.>"))
      const tail = yield* tailOf(bus, ">")
      yield* bus.publishMany(numbers(10))
      yield* drain(tail)
      const other = yield* inMemory()
      yield* other.bus.createSubscription(named("s"), options("t.>"))
      yield* other.bus.publishMany(numbers(3))
      const resumed = yield* tailOf(other.bus, ">", { position: tail.position() })
      const [gap, ...rest] = yield* drain(resumed)
      assert.deepInclude(gap, { _tag: "Gap", reason: "OtherLog" })
      assert.deepStrictEqual(ascending(payloadsOf(rest)), range(3))
      const wrong = yield* Effect.flip(tailOf(bus, ">", { position: "AAAA.0" }))
      assert.strictEqual(wrong._tag, "PositionInvalid")

      const position = yield* life(
        new SimulatedDisk(),
        "closed",
        ({ bus }) =>
          Effect.gen(function*() {
            const tail = yield* tailOf(bus, ">")
            yield* bus.publishMany(numbers(10))
            yield* drain(tail)
            return tail.position()
          })
      )
      yield* life(new SimulatedDisk(), "closed", ({ bus }) =>
        Effect.gen(function*() {
          const tail = yield* tailOf(bus, ">", { position })
          assert.deepInclude((yield* tail.next())[0], { _tag: "Gap", reason: "OtherLog" })
          yield* bus.publish(draft("t.0", 77))
          assert.deepStrictEqual(payloadsOf(yield* tail.next()), [77])
        }))
    }))
})
