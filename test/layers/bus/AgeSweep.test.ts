import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { drain } from "./DelayedPublishes.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions, payloads } from "./Edges.ts"

const logs = [
  ["memory", () => Layer.fresh(MemoryLog.layer)],
  ["a durable log", () => blockLog()]
] as const

const retention = { everyMs: 1_000, ageMs: 3_600_000, bytesMax: Number.POSITIVE_INFINITY }
const readAhead = { count: 4, bytes: 1_048_576, allBytes: 8_388_608 }

for (const [name, log] of logs) {
  describe(`the age limit of a subscription over ${name}`, () => {
    it.effect("ends what nobody takes, so that neither memory nor the log is held", () =>
      Effect.gen(function*() {
        const { bus, core } = yield* Bus.make({ ...busOptions, retention, readAhead })
        yield* bus.createSubscription(named("s"), options("t", { maxAgeMs: 5_000 }))
        yield* settle
        for (let n = 0; n < 20; n++) yield* bus.publish(draft("t", n, { key: `${n % 2}` }))
        const [taken] = yield* bus.pull("s", 1, 0)
        yield* TestClock.adjust("4 seconds")
        const [before] = bus.snapshot().subscriptions
        assert.deepStrictEqual([before?.pending, before?.expired], [20, 0])
        yield* TestClock.adjust("10 seconds")
        const [after] = bus.snapshot().subscriptions
        assert.deepStrictEqual([after?.pending, after?.expired], [1, 19])
        assert.isAtMost(core.consumers.get("s")?.ready.size(1) ?? 9, 1)
        yield* bus.ack("s", [taken?.ackId ?? ""])
        assert.deepStrictEqual(core.shards.map(({ slots }) => slots), [0, 0])
        yield* bus.publish(draft("t", 20, { key: "0" }))
        assert.deepStrictEqual(yield* drain(bus), [20])
        assert.strictEqual(core.consumers.get("s")?.order.size, 0)
      }).pipe(Effect.scoped, Effect.provide(log())))

    it.effect("counts from when a delayed message enters the log, and spares what runs", () =>
      Effect.gen(function*() {
        const { bus } = yield* Bus.make({ ...busOptions, retention })
        yield* bus.createSubscription(
          named("s"),
          options("t", { maxAgeMs: 5_000, ackTimeoutMs: 20_000 })
        )
        yield* settle
        yield* bus.publish(draft("t", 1, { deliverAt: 10_000 }))
        yield* TestClock.adjust("14 seconds")
        const taken = yield* bus.pull("s", 1, 0)
        assert.deepStrictEqual(payloads(taken), ["1"])
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual((yield* bus.ack("s", taken.map(({ ackId }) => ackId))).unknown, [])
        yield* bus.publish(draft("t", 2))
        const [late] = yield* bus.pull("s", 1, 0)
        yield* TestClock.adjust("6 seconds")
        yield* bus.nack("s", [late?.ackId ?? ""], 0)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* drain(bus), [])
        const [{ acked, expired, pending } = assert.fail("gone")] = bus.snapshot().subscriptions
        assert.deepStrictEqual([acked, expired, pending], [1, 1, 0])
      }).pipe(Effect.scoped, Effect.provide(log())))
  })
}
