import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, References } from "effect"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { announced } from "../../../src/layers/bus/Volatile.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { ending, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { busOptions } from "./Edges.ts"

const limits = { slotsMax: 100, bytesMax: 1_000_000 }

/** A bus of two shards, a topic in each, what it announces, and a subscription that keeps all. */
const opened = (more: Partial<Bus.BusOptions> = {}) =>
  Effect.gen(function*() {
    const { bus, core } = yield* Bus.make({ ...busOptions, limits, ...more })
    const heard: Array<unknown> = []
    core.volatile.listeners.add(({ payload, topic }) =>
      topic === announced.backpressure && heard.push(JSON.parse(payload))
    )
    yield* bus.createSubscription(named("s"), options(">"))
    const topicOf = (shard: number): string => {
      const found = Array.from({ length: 64 }, (_, n) => `t${n}`)
        .find((name) => core.shardOf(name, undefined).id === shard)
      return found ?? assert.fail("no topic for the shard")
    }
    const [shard] = core.shards
    if (shard === undefined) return assert.fail("no shard")
    const fill = (count: number, priority = 0) =>
      Effect.forEach(
        Array.from({ length: count }, (_, n) => n),
        (n) => bus.publish(draft(topicOf(0), n, { priority })),
        { discard: true }
      )
    const drain = (count: number) =>
      Effect.flatMap(
        bus.pull("s", count, 0),
        (leased) => bus.ack("s", leased.map(({ ackId }) => ackId))
      )
    return { bus, core, drain, fill, heard, shard, topicOf }
  })

const over = <A, E>(
  test: Effect.Effect<A, E, Effect.Services<ReturnType<typeof opened>>>
) => test.pipe(ending, Effect.scoped, Effect.provide(Layer.fresh(MemoryLog.layer)))

const refused = (bus: Effect.Success<ReturnType<typeof opened>>["bus"], topic: string) =>
  Effect.map(Effect.flip(bus.publish(draft(topic, "refused"))), ({ _tag }) => _tag)

describe("the gate of a shard", () => {
  it.effect("stays open below the threshold, with no notice (behaviour 50)", () =>
    over(Effect.gen(function*() {
      const { fill, heard, shard } = yield* opened()
      yield* fill(79)
      assert.strictEqual(shard.gate, "Open")
      assert.deepStrictEqual(heard, [])
    })))

  it.effect(
    "closes once at 80 of 100 and says so once, whatever is refused then (behaviours 51, 53)",
    () =>
      over(Effect.gen(function*() {
        const { bus, core, fill, heard, shard, topicOf } = yield* opened()
        yield* fill(80)
        yield* Effect.yieldNow
        assert.strictEqual(shard.gate, "Closed")
        const notice = { event: "pause", shard: 0, queued: { high: 0, normal: 80 }, limit: 100 }
        assert.deepStrictEqual(heard, [notice])
        for (let n = 0; n < 50; n++) {
          assert.strictEqual(yield* refused(bus, topicOf(0)), "ShardFull")
        }
        assert.deepStrictEqual(heard, [notice])
        assert.strictEqual(shard.slots, 80, "a refused publish took a place")
        assert.strictEqual(core.published, 80, "a refused publish was written")
        assert.strictEqual(bus.decisions({ kind: "gate", subject: "shard 0" }, -1, 9).length, 1)
        assert.strictEqual(bus.decisions({ kind: "refusal" }, -1, 99).length, 1)
      }))
  )

  it.effect("closes by the high lane alone as well (behaviour 52)", () =>
    over(Effect.gen(function*() {
      const { fill, heard } = yield* opened()
      yield* fill(80, 9)
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard, [
        { event: "pause", shard: 0, queued: { high: 80, normal: 0 }, limit: 100 }
      ])
    })))

  it.effect("opens below 50 %, with one notice (behaviour 54, pitfall 14)", () =>
    over(Effect.gen(function*() {
      const { bus, drain, fill, heard, shard, topicOf } = yield* opened()
      yield* fill(80)
      yield* drain(30)
      assert.strictEqual(shard.slots, 50)
      assert.strictEqual(yield* refused(bus, topicOf(0)), "ShardFull")
      yield* drain(1)
      yield* Effect.yieldNow
      assert.strictEqual(heard.length, 2)
      assert.deepStrictEqual(heard[1], {
        event: "resume",
        shard: 0,
        queued: { high: 0, normal: 49 },
        limit: 100
      })
      yield* fill(30)
      assert.strictEqual(heard.length, 2)
    })))

  it.effect("closes alone: other shards go on (behaviour 55, pitfall 15, F17)", () =>
    over(Effect.gen(function*() {
      const { bus, core, fill, topicOf } = yield* opened()
      yield* fill(80)
      assert.strictEqual(yield* refused(bus, topicOf(0)), "ShardFull")
      yield* bus.publish(draft(topicOf(1), "elsewhere"))
      assert.deepStrictEqual(core.shards.map(({ gate }) => gate), ["Closed", "Open"])
      const mixed = yield* bus.publishMany([draft(topicOf(0), 1), draft(topicOf(1), 2)])
      assert.deepStrictEqual(mixed.map(({ _tag }) => _tag), ["Failure", "Success"])
    })))

  it.effect("counts a message once, also when another consumer takes over a subscription", () =>
    over(Effect.gen(function*() {
      const { bus, drain, fill, shard } = yield* opened()
      yield* bus.createSubscription(named("two"), options(">"))
      yield* fill(30)
      yield* bus.handle(named("two"), options(">"), () => Effect.void)
      assert.deepStrictEqual([shard.slots, shard.gate], [30, "Open"])
      yield* settle
      assert.strictEqual(bus.snapshot().subscriptions.find(({ name }) => name === "two")?.acked, 30)
      assert.strictEqual(shard.slots, 30)
      yield* drain(30)
      assert.strictEqual(shard.slots, 0)
    })))

  it.effect("closes although who is told throws (behaviour 56, pitfall 18)", () =>
    over(Effect.gen(function*() {
      const { bus, core, fill, shard, topicOf } = yield* opened()
      const told: Array<string> = []
      core.volatile.listeners.clear()
      core.volatile.listeners.add(() => {
        throw new Error("the notice cannot be published")
      })
      core.onBackpressure.add(() => {
        throw new Error("a scaler's bug")
      })
      core.onBackpressure.add(({ gate }) => told.push(gate))
      yield* fill(80)
      yield* Effect.yieldNow
      assert.strictEqual(shard.gate, "Closed")
      assert.strictEqual(yield* refused(bus, topicOf(0)), "ShardFull")
      assert.strictEqual(core.volatile.failures, 1)
      assert.deepStrictEqual(told, ["Closed"])
    })).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.effect("closes by bytes; an empty shard takes any one message", () =>
    over(Effect.gen(function*() {
      const { bus, drain, shard, topicOf } = yield* opened({
        limits: { slotsMax: 100, bytesMax: 1_000 }
      })
      yield* bus.publish(draft(topicOf(0), "x".repeat(700)))
      assert.strictEqual(shard.gate, "Open")
      const big = Effect.flip(bus.publish(draft(topicOf(0), "x".repeat(400))))
      assert.strictEqual((yield* big)._tag, "ShardFull", "it took more bytes than it holds")
      yield* bus.publish(draft(topicOf(0), "x".repeat(98)))
      assert.strictEqual(shard.gate, "Closed")
      yield* drain(9)
      assert.strictEqual(shard.gate, "Open")
      yield* bus.publish(draft(topicOf(0), "x".repeat(5_000)))
      assert.strictEqual(shard.gate, "Closed")
      assert.isAbove(shard.fill, 1)
    })))

  it.effect("waits for its marks also after a resize left it above its limit (P8)", () =>
    over(Effect.gen(function*() {
      const { bus, core, fill, topicOf } = yield* opened()
      yield* bus.shards.setCount(8)
      yield* Effect.forEach(
        Array.from({ length: 512 }, (_, n) => n),
        (n) => Effect.exit(bus.publish(draft(`t${n % 64}`, n)))
      )
      yield* bus.shards.setCount(2)
      const above = core.shards.filter(({ fill }) => fill > 1)
      assert.isAbove(above.length, 0)
      assert.isTrue(above.every(({ gate }) => gate === "Closed"))
      const [one] = above
      assert.strictEqual(yield* refused(bus, topicOf(one?.id ?? 0)), "ShardFull")
      assert.isDefined(fill)
    })))
})

describe("a paused shard", () => {
  it.effect(
    "refuses at once with an error of its own while delivery and others go on (pitfall 16)",
    () =>
      over(Effect.gen(function*() {
        const { bus, drain, fill, shard, topicOf } = yield* opened()
        yield* fill(3)
        yield* bus.shards.pause(0)
        yield* bus.shards.pause(0)
        assert.strictEqual(yield* refused(bus, topicOf(0)), "ShardPaused")
        yield* bus.publish(draft(topicOf(1), "elsewhere"))
        assert.strictEqual((yield* drain(9)).done, 4)
        assert.strictEqual(yield* refused(bus, topicOf(0)), "ShardPaused", "empty, and paused")
        assert.isTrue(bus.snapshot().shards[0]?.paused)
        assert.strictEqual(shard.gate, "Open")
        yield* bus.shards.resume(0)
        yield* fill(1)
        const outcomes = bus.decisions({ kind: "pause" }, -1, 9).map(({ outcome }) => outcome)
        assert.deepStrictEqual(outcomes, ["Paused", "Resumed"])
        assert.strictEqual((yield* Effect.flip(bus.shards.pause(2)))._tag, "ShardUnknown")
      }))
  )
})

describe("workers", () => {
  it.effect("of all shards or of one are as many as asked for, later shards included", () =>
    over(Effect.gen(function*() {
      const { bus, core } = yield* opened({ workersPerShard: 4 })
      const gate = yield* Deferred.make<void>()
      const running = new Map<number, number>()
      yield* bus.handle(named("h"), options("w.*"), ({ message }) =>
        Effect.suspend(() => {
          const { id } = core.shardOf(message.topic, undefined)
          running.set(id, (running.get(id) ?? 0) + 1)
          return Deferred.await(gate)
        }))
      yield* bus.publishMany(Array.from({ length: 64 }, (_, n) => draft(`w.${n}`, n)))
      yield* Effect.yieldNow
      assert.deepStrictEqual([...running.values()], [4, 4])
      // Those that are sent away still run; they are called back before new ones are made.
      yield* bus.shards.setWorkers(2, 0)
      yield* bus.shards.setWorkers(5, 0)
      yield* Effect.yieldNow
      assert.strictEqual(running.get(0), 5)
      yield* bus.shards.setWorkers(3)
      yield* bus.shards.setCount(3)
      assert.deepStrictEqual(core.shards.map(({ workers }) => workers.length), [3, 3, 3])
      yield* Deferred.succeed(gate, undefined)
      for (let turn = 0; turn < 50; turn++) yield* Effect.yieldNow
      assert.strictEqual(bus.snapshot().subscriptions.find(({ name }) => name === "h")?.acked, 64)
      assert.strictEqual((yield* Effect.flip(bus.shards.setWorkers(1)))._tag, "CountOutOfRange")
      assert.strictEqual((yield* Effect.flip(bus.shards.setWorkers(9)))._tag, "CountOutOfRange")
      assert.strictEqual((yield* Effect.flip(bus.shards.setWorkers(2, 9)))._tag, "ShardUnknown")
    })))
})
