import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { leaseBucketMs, LeaseClock } from "../../../src/layers/bus/LeaseClock.ts"
import { pendingOf } from "./Deliveries.ts"

const steps = Schema.Array(
  Schema.Struct({
    act: Schema.Literals(["lease", "lease", "settle", "pass"]),
    n: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 }))
  })
).check(Schema.isMaxLength(100))

describe("the lease clock", () => {
  it.prop("ends each lease once, never early and at most a bucket late", { steps }, ({ steps }) => {
    const clock = new LeaseClock()
    const live = new Set<ReturnType<typeof pendingOf>>()
    let now = 1_000_000
    for (const { act, n } of steps) {
      if (act === "lease") {
        const delivery = pendingOf({})
        delivery.leaseUntil = now + n
        clock.add(delivery)
        live.add(delivery)
      } else if (act === "settle") {
        const [delivery] = [...live].slice(n % Math.max(1, live.size))
        if (delivery !== undefined) {
          clock.remove(delivery)
          clock.remove(delivery)
          live.delete(delivery)
        }
      } else {
        now += n
        for (const delivery of clock.takeExpired(now)) {
          assert.isTrue(live.delete(delivery))
          assert.isAtMost(delivery.leaseUntil, now)
        }
        live.forEach(({ leaseUntil }) => assert.isAbove(leaseUntil, now - 2 * leaseBucketMs))
      }
      assert.strictEqual(clock.size, live.size)
    }
    assert.strictEqual(clock.takeExpired(now + 5_000).length, live.size)
    assert.strictEqual(clock.size, 0)
  }, { arbitrary: { runs: 200 } })
})
