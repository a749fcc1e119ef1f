import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { PermanentFailure } from "../../../src/domain/Delivery.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { LogUnavailable, MessageLog } from "../../../src/services/MessageLog.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions, life, payloads } from "./Edges.ts"

describe("a bus on a durable log, at its edges", () => {
  const unjournalled = Layer.effect(
    MessageLog,
    Effect.map(MessageLog, (log) => {
      const state = { failing: true }
      return MessageLog.of({
        ...log,
        journal: (takes) =>
          Effect.suspend(() => {
            if (!state.failing) return log.journal(takes)
            state.failing = false
            return Effect.fail(new LogUnavailable({ reason: "Full", detail: "test" }))
          })
      })
    })
  ).pipe(Layer.provide(Layer.suspend(() => blockLog())))

  it.effect("a run of one key that could not be journalled goes out again in order", () =>
    Effect.gen(function*() {
      const { bus } = yield* Bus.make(busOptions)
      yield* bus.createSubscription(named("a"), options("t"))
      yield* settle
      yield* bus.publishMany([1, 2, 3].map((n) => draft("t", n, { key: "k" })))
      yield* settle
      assert.strictEqual((yield* Effect.flip(bus.pull("a", 9, 0)))._tag, "LogUnavailable")
      yield* settle
      assert.strictEqual(bus.snapshot().subscriptions[0]?.inFlight, 0)
      const again = yield* bus.pull("a", 9, 0)
      assert.deepStrictEqual(payloads(again), ["1", "2", "3"])
      assert.deepStrictEqual(again.map(({ attempt }) => attempt), [1, 1, 1])
      yield* bus.ack("a", again.map(({ ackId }) => ackId))
      assert.strictEqual(bus.snapshot().subscriptions[0]?.inFlight, 0)
    }).pipe(Effect.scoped, Effect.provide(unjournalled)))

  it.effect("replayed dead letters that were running when the process was lost run alone", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          const failing = { is: true }
          yield* bus.handle(named("a"), options("t"), () =>
            Effect.suspend(() =>
              failing.is ? Effect.fail(new PermanentFailure({ reason: "no" })) : Effect.never
            ))
          yield* bus.publishMany([1, 2, 3, 4].map((n) =>
            draft("t", n)
          ))
          yield* settle
          failing.is = false
          assert.strictEqual((yield* bus.replay({}, false)).replayed, 4)
          yield* settle
          assert.strictEqual(bus.snapshot().subscriptions[0]?.inFlight, 4)
        }))
      const running = { now: 0, most: 0, done: 0 }
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.handle(named("a"), options("t"), () =>
            Effect.suspend(() => {
              running.most = Math.max(running.most, ++running.now)
              return Effect.andThen(
                Effect.sleep(100),
                Effect.sync(() => {
                  running.now--
                  running.done++
                })
              )
            }))
          yield* TestClock.adjust("5 seconds")
        }))
      assert.deepStrictEqual(running, { now: 0, most: 1, done: 4 })
    }))

  it.effect("an attempt that the end of the bus cut off is not counted", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.handle(named("a"), options("t", { maxAttempts: 1 }), () => Effect.never)
          yield* bus.publish(draft("t", 1))
          yield* TestClock.adjust("1 second")
        }))
      const attempts: Array<number> = []
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.handle(named("a"), options("t", { maxAttempts: 1 }), ({ attempt }) =>
            Effect.sync(() =>
              attempts.push(attempt)
            ))
          yield* TestClock.adjust("1 second")
        }))
      assert.deepStrictEqual(attempts, [1])
    }))

  it.effect("what a former process handed out says nothing about durations", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* TestClock.adjust("1000 hours")
      const leased = yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("a"), options("t", { maxAttempts: 1 }))
          yield* bus.publishMany([1, 2].map((n) => draft("t", n)))
          yield* settle
          return yield* bus.pull("a", 2, 0)
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.strictEqual((yield* bus.ack("a", [leased[0]?.ackId ?? ""])).done, 1)
          yield* bus.pull("a", 2, 0)
          const [subscription] = bus.snapshot().subscriptions
          assert.deepStrictEqual([subscription?.acked, subscription?.deadLettered], [1, 1])
          assert.isBelow(bus.snapshot().dispatchDuration.sum, 3_600)
        }))
    }))

  it.effect("a log that fails for long is not asked for ever more", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("a"), options("t", { ordering: "none" }))
          yield* settle
          yield* bus.publishMany(Array.from({ length: 100 }, (_, n) => draft("t", n)))
          yield* settle
          disk.faults = { delayMsMax: 20, failing: 1 }
          for (let n = 0; n < 60; n++) {
            const [one] = yield* bus.pull("a", 1, 0)
            yield* Effect.forkChild(Effect.exit(bus.ack("a", [one?.ackId ?? ""])))
            yield* TestClock.adjust(`${97 + n} millis`)
            const tracks: ReadonlyArray<unknown> = Reflect.get(core.settler, "tracks")
            assert.isAtMost(tracks.length, 1)
          }
          disk.faults = { delayMsMax: 0, failing: 0 }
          yield* TestClock.adjust("10 seconds")
        }))
    }))
})
