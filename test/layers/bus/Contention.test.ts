/**
 * What brought an earlier system of this kind to a standstill: full queues, failing stores, workers
 * that die.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { busLayer } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { busOptions, life } from "./Edges.ts"

describe("a bus in trouble", () => {
  it.effect(
    "pitfall 1: 10 publishers of 50 into shards of 100, whose handler publishes too, all end",
    () =>
      Effect.gen(function*() {
        const bus = yield* MessageBus
        const seen = new Map<string, number>()
        const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
        yield* bus.handle(named("work"), options("work"), () =>
          Effect.gen(function*() {
            note("handled")
            yield* Effect.sleep(5)
            const noticed = yield* Effect.result(bus.publish(draft("notice", 1)))
            note(Result.isSuccess(noticed) ? "noticed" : noticed.failure._tag)
          }))
        yield* bus.handle(named("notices"), options("notice"), () => Effect.sleep(5))
        const publishers = Array.from({ length: 10 }, (_, who) =>
          Effect.forEach(
            Array.from({ length: 50 }, (_, n) => n),
            (n) =>
              Effect.match(bus.publish(draft("work", `${who}/${n}`)), {
                onFailure: ({ _tag }) => note(`refused ${_tag}`),
                onSuccess: () => note("accepted")
              })
          ))
        yield* Effect.all(publishers, { concurrency: "unbounded", discard: true })
        yield* TestClock.adjust("5 seconds")
        const count = (what: string): number => seen.get(what) ?? 0
        assert.strictEqual(count("accepted") + count("refused ShardFull"), 500)
        assert.isAbove(count("refused ShardFull"), 0)
        assert.strictEqual(count("handled"), count("accepted"))
        assert.strictEqual(count("noticed") + count("ShardFull"), count("handled"))
        for (const { pending } of bus.snapshot().subscriptions) assert.strictEqual(pending, 0)
      }).pipe(
        Effect.scoped,
        Effect.provide(busLayer({
          shardCount: 2,
          limits: { slotsMax: 100, bytesMax: 1_000_000 }
        }))
      )
  )

  it.effect("behaviours 66 and 68: holds a dead letter while the store fails, and keeps it", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { maxAttempts: 1 }))
          yield* bus.publish(draft("t", "one"))
          const [delivery] = yield* bus.pull("s", 1, 0)
          disk.failNext("Io")
          const nacked = yield* Effect.flip(bus.nack("s", [delivery?.ackId ?? ""], 0))
          assert.strictEqual(nacked._tag, "LogUnavailable")
          yield* TestClock.adjust("1 millis")
          const { degraded, subscriptions } = bus.snapshot()
          assert.strictEqual(subscriptions[0]?.deadLetters, 1)
          assert.match(degraded.join(), /the log takes no settlements/)
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual((yield* bus.deadLetters({}, 0, 10)).length, 1)
          assert.deepStrictEqual(bus.snapshot().degraded, [])
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* bus.deadLetters({}, 0, 10)).length, 1)
          yield* bus.replay({}, false)
          assert.strictEqual((yield* bus.pull("s", 1, 0))[0]?.message.payload, "\"one\"")
        }))
    }))

  it.effect("pitfall 31: replaces a worker whose fibre was killed, and counts it", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* Bus.make(busOptions)
      const done: Array<unknown> = []
      yield* bus.handle(
        named("s"),
        options(">"),
        ({ payload }) => Effect.andThen(Effect.sleep(100), Effect.sync(() => done.push(payload)))
      )
      yield* bus.publishMany([1, 2, 3].map((n) => draft("t", n)))
      yield* TestClock.adjust("50 millis")
      const running = core.shards.flatMap(({ workers }) => workers)
      running.forEach(({ fiber }) => fiber?.interruptUnsafe())
      yield* TestClock.adjust("5 seconds")
      const { shards } = bus.snapshot()
      const restarts = shards.reduce((sum, { workerRestarts }) => sum + workerRestarts, 0)
      assert.strictEqual(restarts, running.length)
      assert.deepStrictEqual(shards.map(({ workers }) => workers), [4, 4])
      assert.deepStrictEqual(done.toSorted(), [1, 2, 3])
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(MemoryLog.layer))))
})
