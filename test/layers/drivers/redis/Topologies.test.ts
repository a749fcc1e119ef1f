/**
 * A Redis of several servers: each key is where it belongs, and a primary that dies is replaced.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Fiber, Layer, Result, Schedule } from "effect"
import { LeaseName, LeaseOwner } from "../../../../src/domain/Lease.ts"
import * as Redis from "../../../../src/layers/drivers/redis/Redis.ts"
import * as RedisLeases from "../../../../src/layers/leases/RedisLeases.ts"
import { Leases } from "../../../../src/services/Leases.ts"
import { cluster, sentinels } from "../../../servers/RedisTopologies.ts"
import { serving } from "../../../servers/Serving.ts"
import { redisOptions } from "./TestRedis.ts"

/** A breaker that tries again soon. */
const circuit = { failuresMax: 5, openFor: Duration.millis(500), successesNeeded: 1 }

const request = (at: number) => ({
  name: LeaseName.make(`lease-${at}`),
  owner: LeaseOwner.make("test"),
  leaseMs: 60_000
})

const leasesOver = (url: string) =>
  Effect.map(
    Layer.build(Layer.provide(RedisLeases.layer, Redis.layer({ ...redisOptions(url), circuit }))),
    (context) => Context.get(context, Leases)
  )

describe("a cluster", () => {
  const servers = serving(cluster)

  it.live(
    "has every key with one of three, and who waits is told by any of them",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { nodes, url } = yield* servers
        const [one, two] = yield* Effect.all([leasesOver(url), leasesOver(url)])
        const held = yield* Effect.forEach(
          Array.from({ length: 30 }, (_, at) => at),
          (at) => one.acquire(request(at))
        )
        assert.strictEqual((yield* Effect.flip(two.acquire(request(3))))._tag, "LeaseHeld")
        const waiting = yield* Effect.forkChild(Effect.forEach(
          held,
          (_, at) => two.acquireWithin?.(request(at), 20_000) ?? Effect.die("cannot wait"),
          { concurrency: "unbounded" }
        ))
        yield* Effect.sleep("200 millis")
        yield* Effect.forEach(held, (lease) => one.release(lease), { concurrency: "unbounded" })
        const next = yield* Fiber.join(waiting)
        next.forEach(({ fencingToken }, at) =>
          assert.isAbove(fencingToken, held[at]?.fencingToken ?? Infinity)
        )
        for (const { cli } of nodes) assert.isNotEmpty(cli("keys", "test:lease:*"))
      })),
    60_000
  )
})

describe("sentinels", () => {
  const servers = serving(sentinels)

  it.live(
    "F5: replace a primary that dies, and tokens go on from there",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { primary, url } = yield* servers
        const leases = yield* leasesOver(url)
        const before = yield* leases.acquire(request(1))
        yield* primary.kill
        const after = yield* Effect.retry(leases.acquire(request(2)), {
          schedule: Schedule.spaced("200 millis")
        })
        assert.isAbove(after.fencingToken, before.fencingToken)
        const again = yield* Effect.result(leases.acquire(request(1)))
        const isHeld = Result.isFailure(again) && again.failure._tag === "LeaseHeld"
        assert.isTrue(isHeld || Result.isSuccess(again))
        if (Result.isSuccess(again)) assert.isAbove(again.success.fencingToken, before.fencingToken)
      })),
    60_000
  )
})
