import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Message } from "../../../src/domain/Message.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { Resizing } from "../../../src/layers/bus/Resizing.ts"
import { announced } from "../../../src/layers/bus/Volatile.ts"
import * as WorkerPool from "../../../src/layers/bus/WorkerPool.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { seededRandom } from "../../simulation/SeededRandom.ts"
import { noFaults, SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { ending, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions } from "./Edges.ts"
import { misplaced } from "./Placement.ts"

const logs = [
  ["memory", () => Layer.fresh(MemoryLog.layer)],
  ["a durable log", () => blockLog()]
] as const

/** Any 2 to 16 of the ids 0 to 15. */
const anyIds = (random: ReturnType<typeof seededRandom>): ReadonlyArray<number> => {
  const ids = Array.from({ length: 16 }, (_, id) => id).filter(() => random.pick([true, false]))
  return ids.length < 2 ? [3, 7] : ids
}

/** Keyed messages of both lanes to a handler that takes its time and fails at times. */
const underLoad = (seed: number) =>
  Effect.gen(function*() {
    const random = seededRandom(seed, "resize")
    const { bus, core } = yield* Bus.make({ ...busOptions, shardCount: 4, workersPerShard: 2 })
    const pool = yield* WorkerPool.make(core, 2)
    const resizing = new Resizing(core, pool)
    const handled = new Map<string, Array<string>>()
    const counts = new Map<string, number>()
    const running = new Set<string>()
    yield* bus.handle(named("h"), options("t.*"), ({ attempt, message, payload }) =>
      Effect.gen(function*() {
        const place = `${message.topic} ${message.key}`
        assert.isFalse(running.has(place), `two of ${place} run at once`)
        running.add(place)
        yield* Effect.sleep(random.pick([0, 1, 7, 30]))
        running.delete(place)
        if (attempt < 3 && random.pick([0, 0, 0, 1]) === 1) {
          return yield* Effect.fail("again")
        }
        const lane = `${place} ${message.priority}`
        handled.set(lane, [...handled.get(lane) ?? [], String(payload)])
        counts.set(String(payload), (counts.get(String(payload)) ?? 0) + 1)
      }))
    yield* bus.createSubscription(named("p"), options("t.*"))
    yield* settle
    const sent = new Map<string, Array<string>>()
    const pulled = new Map<string, number>()
    for (let round = 0; round < 6; round++) {
      const drafts = Array.from({ length: 40 }, (_, at) => {
        const topic = `t.${random.pick(["a", "b", "c", "d"])}`
        const key = random.pick(["1", "2", "3", "4", "5"])
        const priority = random.pick([0, 9])
        const payload = `${round}-${at}`
        const lane = `${topic} ${key} ${priority}`
        sent.set(lane, [...sent.get(lane) ?? [], payload])
        return draft(topic, payload, { key, priority })
      })
      yield* bus.publishMany(drafts)
      yield* TestClock.adjust(random.pick([1, 5, 20]))
      const leased = yield* bus.pull("p", random.pick([1, 10, 100]), 0)
      const resized = yield* Effect.forkChild(resizing.resizeTo(anyIds(random)))
      yield* Effect.yieldNow
      assert.deepStrictEqual(misplaced(core), [], `after resize ${round}`)
      yield* TestClock.adjust("15 seconds")
      yield* Fiber.join(resized)
      const { unknown } = yield* Effect.flatMap(
        Effect.forkChild(bus.ack(
          "p",
          leased.map(({ ackId }) =>
            ackId
          )
        )),
        (acked) =>
          Effect.andThen(TestClock.adjust("200 millis"), Fiber.join(acked))
      )
      assert.deepStrictEqual(unknown, [])
      leased.forEach(({ message: { payload } }) =>
        pulled.set(payload, (pulled.get(payload) ?? 0) + 1)
      )
    }
    yield* TestClock.adjust("2 minutes")
    assert.strictEqual(counts.size, 240, "some are lost")
    assert.deepStrictEqual(
      [...counts.values()].filter((count) => count !== 1),
      [],
      "some ran twice"
    )
    for (const [lane, payloads] of sent) assert.deepStrictEqual(handled.get(lane), payloads, lane)
    assert.deepStrictEqual([...pulled.values()].filter((count) => count !== 1), [])
    assert.deepStrictEqual(misplaced(core), [])
    assert.deepStrictEqual(bus.snapshot().subscriptions.map(({ pending }) => pending), [
      0,
      240 - pulled.size
    ])
  })

for (const [name, log] of logs) {
  describe(`resizing over ${name}`, () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      it.effect(
        "loses nothing, doubles nothing and keeps the order of every key and lane, whichever " +
          `shards come and go (behaviour 76, pitfalls 8 to 11, P6), seed ${seed}`,
        () => underLoad(seed).pipe(ending, Effect.scoped, Effect.provide(log()))
      )
    }
  })
}

describe("resizing", () => {
  const made = Bus.make(busOptions)
  const provided = Effect.provide(Layer.fresh(MemoryLog.layer))

  it.effect("waits for the handlers of removed shards, and refuses a second one meanwhile", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* made
      yield* Effect.forkChild(bus.shards.setCount(8))
      const gate = yield* Deferred.make<void>()
      yield* bus.handle(named("s"), options("t.*"), () => Deferred.await(gate))
      yield* bus.publishMany(Array.from({ length: 64 }, (_, n) => draft(`t.${n}`, n)))
      yield* settle
      const first = yield* Effect.forkChild(bus.shards.setCount(2))
      yield* settle
      assert.strictEqual(core.shards.length, 2)
      assert.isUndefined(first.pollUnsafe())
      assert.strictEqual((yield* Effect.flip(bus.shards.setCount(4)))._tag, "ResizeRunning")
      assert.strictEqual((yield* Effect.flip(bus.shards.rebalance))._tag, "ResizeRunning")
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      const { from, moved, to } = yield* Fiber.join(first)
      assert.deepStrictEqual([from, to], [8, 2])
      assert.isAbove(moved, 0)
      assert.strictEqual(bus.snapshot().subscriptions[0]?.acked, 64)
      yield* bus.shards.setCount(4)
      assert.strictEqual(core.shards.length, 4)
    }).pipe(ending, Effect.scoped, provided))

  it.effect("does not wait for ever for a handler of a removed shard", () =>
    Effect.gen(function*() {
      const { bus } = yield* made
      yield* bus.shards.setCount(16)
      const gate = yield* Deferred.make<void>()
      yield* bus.handle(named("s"), options("t.*"), () => Deferred.await(gate))
      yield* bus.publishMany(Array.from({ length: 64 }, (_, n) => draft(`t.${n}`, n)))
      yield* settle
      const shrunk = yield* Effect.forkChild(bus.shards.setCount(2))
      yield* TestClock.adjust("10 seconds")
      assert.isDefined(shrunk.pollUnsafe())
      yield* bus.shards.setCount(3)
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.strictEqual(bus.snapshot().subscriptions[0]?.acked, 64)
    }).pipe(ending, Effect.scoped, provided))

  it.effect("is announced and kept as a decision; the same count changes nothing", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* made
      const heard: Array<Message> = []
      core.volatile.listeners.add((message) => heard.push(message))
      yield* bus.shards.setCount(2)
      yield* bus.shards.setCount(3)
      yield* settle
      assert.deepStrictEqual(heard.map(({ payload, topic }) => [topic, JSON.parse(payload)]), [
        [announced.resize, { event: "resize", from: 2, to: 3, moved: 0 }]
      ])
      const [decision] = bus.decisions({ kind: "resize" }, -1, 10)
      assert.strictEqual(decision?.outcome, "3 shards")
      assert.deepStrictEqual(decision?.inputs, {
        from: 2,
        to: 3,
        moved: 0,
        added: "2",
        removed: ""
      })
    }).pipe(ending, Effect.scoped, provided))

  it.effect("refuses fewer than 2 and more than 16 shards", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* made
      for (const count of [0, 1, 17, -1, 1_000_000]) {
        assert.strictEqual((yield* Effect.flip(bus.shards.setCount(count)))._tag, "CountOutOfRange")
      }
      assert.strictEqual(core.shards.length, 2)
    }).pipe(ending, Effect.scoped, provided))

  it.effect("lets a message whose append waits find its new shard when that commits", () => {
    const disk = new SimulatedDisk({ delayMsMax: 20, failing: 0 })
    return Effect.gen(function*() {
      const making = yield* Effect.forkChild(made)
      yield* TestClock.adjust("1 second")
      const { bus, core } = yield* Fiber.join(making)
      const seen: Array<unknown> = []
      const handle = bus.handle(
        named("s"),
        options("t.*"),
        ({ payload }) => Effect.sync(() => seen.push(payload))
      )
      yield* Effect.forkChild(Scope.provide(handle, yield* Effect.scope))
      yield* TestClock.adjust("1 second")
      const waiting = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, n) => n),
        (n) => Effect.forkChild(bus.publish(draft(`t.${n}`, n)))
      )
      yield* Effect.yieldNow
      yield* bus.shards.setCount(16)
      yield* TestClock.adjust("1 second")
      const accepted = yield* Effect.forEach(waiting, Fiber.join)
      accepted.forEach(({ shard, topic }) =>
        assert.strictEqual(core.shardOf(topic, undefined).id, shard, topic)
      )
      assert.strictEqual(new Set(seen).size, 40)
      assert.deepStrictEqual(misplaced(core), [])
      disk.faults = noFaults
    }).pipe(ending, Effect.scoped, Effect.provide(blockLog(disk)))
  })

  it.effect("a rebalance brings home what waits in another shard than its own", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* made
      const gate = yield* Deferred.make<void>()
      yield* bus.handle(named("s"), options("t.*"), () => Deferred.await(gate))
      yield* bus.publishMany(Array.from({ length: 64 }, (_, n) => draft(`t.${n}`, n)))
      yield* settle
      assert.deepStrictEqual(yield* bus.shards.rebalance, { moved: 0 })
      const [one, two] = core.shards
      const strays = one?.lanes.takeOut(() => true)
      if (strays !== undefined) two?.lanes.letIn(strays)
      const count = (strays?.fresh[0].length ?? 0) + (strays?.fresh[1].length ?? 0)
      assert.isAbove(count, 0)
      assert.deepStrictEqual(yield* bus.shards.rebalance, { moved: count })
      assert.strictEqual(one?.lanes.size(1), count)
      assert.strictEqual(bus.decisions({ kind: "rebalance" }, -1, 9).length, 2)
      yield* Deferred.succeed(gate, undefined)
      yield* settle
    }).pipe(ending, Effect.scoped, provided))
})
