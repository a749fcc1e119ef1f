/**
 * The guardian over a real bus whose workers do not come back.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { healthPolicy } from "../../../src/domain/Health.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as Controlled from "../../../src/layers/control/Controlled.ts"
import { guardianDefaults } from "../../../src/layers/control/Guardian.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { draft, named, options } from "../bus/Drafts.ts"

const workers = 2

const guardedBus = Controlled.guarded({
  ...guardianDefaults,
  interval: Duration.millis(100),
  policy: healthPolicy,
  stuckMs: 500,
  webhook: undefined,
  usableBytes: Number.MAX_SAFE_INTEGER
}).pipe(
  Layer.provideMerge(
    Bus.layer({
      ...Bus.optionsDefault,
      shardCount: 2,
      workersPerShard: workers,
      drainMs: 100
    }).pipe(Layer.provide(Layer.fresh(MemoryLog.layer)))
  )
)

describe("a bus whose workers do not come back", () => {
  it.live("pitfall 30: gets new ones once, and its subscription goes on", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const done: Array<unknown> = []
      yield* bus.handle(
        named("work"),
        options("work", { ordering: "none", ackTimeoutMs: 1_000 }),
        ({ payload }) =>
          Number(payload) < workers
            ? Effect.uninterruptible(Effect.never)
            : Effect.sync(() => done.push(payload))
      )
      for (let n = 0; n < workers + 20; n++) {
        yield* bus.publish(draft("work", n))
      }
      yield* Effect.sleep("300 millis")
      assert.isEmpty(done)
      while (done.length < 20) yield* Effect.sleep("20 millis")
      yield* bus.publish(draft("work", 100))
      while (done.length < 21) yield* Effect.sleep("20 millis")
      const decided = bus.decisions({ kind: "guardian" }, -1, 100)
      assert.deepStrictEqual(decided.map(({ outcome }) => outcome).slice(0, 1), [
        "Alert, new workers"
      ])
      const again = decided.filter(({ outcome }) => outcome.startsWith("Alert"))
      assert.lengthOf(again, 1)
      assert.strictEqual((yield* bus.subscription("work")).name, "work")
      const [seen] = bus.snapshot().subscriptions
      assert.deepInclude(seen, { acked: 21, pending: workers })
    }).pipe(Effect.provide(guardedBus)))
})
