import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { PermanentFailure } from "../../../src/domain/Delivery.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { ending, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions } from "./Edges.ts"
import { misplaced } from "./Placement.ts"
import { range } from "./Tailing.ts"

const limits = { slotsMax: 100, bytesMax: 1_000_000 }
const readAhead = { count: 20, bytes: 1_000_000, allBytes: 8_000_000 }
const keys = ["a", "b", "c", undefined]

/**
 * A bus with a fast handler, and slow ones that wait for a gate of their own. Those keep the order
 * of the topic, so that each holds up one worker and no more.
 */
const opened = (
  slow: ReadonlyArray<string>,
  fast: ReadonlyArray<string> = ["fast"],
  slowOrder: "key" | "topic" = "topic"
) =>
  Effect.gen(function*() {
    const { bus, core } = yield* Bus.make({ ...busOptions, limits, readAhead })
    const gates = new Map<string, Deferred.Deferred<void>>()
    const seen = new Map<string, Array<string>>()
    const attach = Effect.fnUntraced(function*(
      name: string,
      before: Effect.Effect<void>,
      ordering: "key" | "topic"
    ) {
      const payloads: Array<string> = []
      seen.set(name, payloads)
      yield* bus.handle(named(name), options("t", { ordering }), ({ message }) =>
        Effect.andThen(
          before,
          Effect.sync(() => payloads.push(`${message.key} ${message.payload}`))
        ))
    })
    for (const name of fast) yield* attach(name, Effect.void, "key")
    for (const name of slow) {
      const gate = yield* Deferred.make<void>()
      gates.set(name, gate)
      yield* attach(name, Deferred.await(gate), slowOrder)
    }
    yield* settle
    const publish = Effect.fnUntraced(function*(count: number, from = 0) {
      for (let n = from; n < from + count; n++) {
        yield* bus.publish(draft("t", n, { key: keys[n % 4] }))
        if (n % 20 === 19) yield* settle
      }
      yield* settle
    })
    const of = (name: string) => bus.snapshot().subscriptions.find((one) => one.name === name)
    const open = Effect.forEach(gates.values(), (gate) => Deferred.succeed(gate, undefined))
    return { bus, core, of, open, publish, seen }
  })

/** What a handler must have seen of each key, in order. */
const inOrder = (payloads: ReadonlyArray<string> = [], count: number) => {
  assert.strictEqual(new Set(payloads).size, count, "some are missing")
  assert.strictEqual(payloads.length, count, "some came twice")
  for (const key of ["a", "b", "c"]) {
    const own = payloads.filter((text) => text.startsWith(key)).map((text) => Number(text.slice(2)))
    assert.deepStrictEqual(own, own.toSorted((a, b) => a - b), `order of ${key}`)
  }
}

describe("a handler that falls behind the others", () => {
  it.effect("goes on from the log, so that publishers and the others do not wait for it", () =>
    Effect.gen(function*() {
      const { bus, core, of, open, publish, seen } = yield* opened(["slow"])
      yield* publish(40)
      assert.strictEqual(of("slow")?.mode, "live")
      yield* publish(360, 40)
      assert.strictEqual(of("slow")?.mode, "log")
      assert.strictEqual(of("slow")?.spills, 1)
      assert.strictEqual(of("fast")?.acked, 400)
      assert.isTrue(core.shards.every(({ gate, slots }) => gate === "Open" && slots === 0))
      const held = core.consumers.get("slow")
      assert.isAtMost([...held?.unsettled() ?? []].length, 24, "more than its read-ahead")
      const [decision] = bus.decisions({ kind: "log-mode" }, -1, 9)
      assert.strictEqual(decision?.subject, "subscription slow")
      yield* open
      yield* TestClock.adjust("1 second")
      inOrder(seen.get("slow"), 400)
      inOrder(seen.get("fast"), 400)
      assert.strictEqual(of("slow")?.mode, "live")
      assert.deepStrictEqual([of("slow")?.matched, of("slow")?.pending], [400, 0])
      yield* publish(50, 400)
      inOrder(seen.get("slow"), 450)
      assert.deepStrictEqual(misplaced(core), [])
      assert.strictEqual(core.readAheadBytes, 0)
      assert.isTrue(core.shards.every(({ slots }) => slots === 0))
      assert.strictEqual(core.consumers.get("slow")?.order.size, 0)
    }).pipe(ending, Effect.scoped, Effect.provide(blockLog())))

  it.effect("keeps its place when the shards change meanwhile", () =>
    Effect.gen(function*() {
      const { bus, core, of, open, publish, seen } = yield* opened(["slow"])
      yield* publish(40)
      yield* bus.shards.setCount(5).pipe(Effect.forkChild)
      yield* publish(60, 40)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(of("slow")?.mode, "log")
      yield* bus.shards.setCount(2).pipe(Effect.forkChild)
      yield* TestClock.adjust("10 seconds")
      yield* open
      yield* TestClock.adjust("1 second")
      inOrder(seen.get("slow"), 100)
      assert.deepStrictEqual(misplaced(core), [])
      for (const { id } of core.shards) {
        assert.deepStrictEqual(core.consumers.get("slow")?.soleOf(id), { slots: 0, bytes: 0 })
      }
    }).pipe(ending, Effect.scoped, Effect.provide(blockLog())))

  it.effect("delivers a replay in its place, behind what it gave up before it", () =>
    Effect.gen(function*() {
      const { bus, of } = yield* opened([])
      const gate = yield* Deferred.make<void>()
      const seen: Array<number> = []
      yield* bus.handle(
        named("slow"),
        options("t"),
        ({ payload }) =>
          payload === 0 && !Deferred.isDoneUnsafe(gate)
            ? Effect.fail(new PermanentFailure({ reason: "not yet" }))
            : Effect.andThen(Deferred.await(gate), Effect.sync(() => seen.push(Number(payload))))
      )
      const publish = (n: number) =>
        Effect.andThen(bus.publish(draft("t", n, { key: "k" })), settle)
      yield* Effect.forEach([0, 1, 2], publish)
      yield* Effect.forkChild(bus.replay({ subscription: "slow" }, false))
      yield* settle
      yield* Effect.forEach(range(57, 3), publish)
      assert.strictEqual(of("slow")?.spills, 1)
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(seen, [1, 2, 0, ...range(57, 3)])
      assert.deepInclude(of("slow"), { pending: 0, replayed: 1 })
    }).pipe(ending, Effect.scoped, Effect.provide(blockLog())))

  it.effect("closes the gate when it is the only one that wants the messages", () =>
    Effect.gen(function*() {
      const { bus, core, of, open } = yield* opened(["slow"], [])
      for (let n = 0; n < 80; n++) yield* bus.publish(draft("t", n))
      yield* settle
      assert.strictEqual((yield* Effect.flip(bus.publish(draft("t", "more"))))._tag, "ShardFull")
      assert.deepStrictEqual([of("slow")?.mode, of("slow")?.spills], ["live", 0])
      assert.strictEqual(core.shardOf("t", undefined).gate, "Closed")
      yield* open
      yield* settle
    }).pipe(ending, Effect.scoped, Effect.provide(blockLog())))

  it.effect("closes the gate when nobody else holds the messages but one who fell behind too", () =>
    Effect.gen(function*() {
      const { bus, core, of, open, publish, seen } = yield* opened(["slow", "slower"])
      yield* publish(78)
      for (let n = 78; n < 100; n++) yield* Effect.exit(bus.publish(draft("t", n)))
      yield* settle
      assert.deepStrictEqual([of("slow")?.spills, of("slower")?.spills], [0, 0])
      assert.strictEqual(core.shards.some(({ gate }) => gate === "Closed"), true)
      yield* open
      yield* settle
      assert.strictEqual(seen.get("slow")?.length, core.published)
    }).pipe(ending, Effect.scoped, Effect.provide(blockLog())))

  it.effect("stays live in memory, where there is no log to go on from", () =>
    Effect.gen(function*() {
      const { core, of, open, publish } = yield* opened(["slow"])
      yield* publish(78)
      assert.deepStrictEqual([of("slow")?.mode, of("slow")?.spills], ["live", 0])
      assert.isAbove(core.shards.reduce((sum, { slots }) => sum + slots, 0), 70)
      yield* open
      yield* settle
    }).pipe(ending, Effect.scoped, Effect.provide(Layer.fresh(MemoryLog.layer))))
})
