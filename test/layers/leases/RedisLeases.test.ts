import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { LeaseName, LeaseOwner } from "../../../src/domain/Lease.ts"
import * as Redis from "../../../src/layers/drivers/redis/Redis.ts"
import * as RedisLeases from "../../../src/layers/leases/RedisLeases.ts"
import { withLease } from "../../../src/services/Holding.ts"
import { Leases } from "../../../src/services/Leases.ts"
import { leasesContract } from "../../contracts/LeasesContract.ts"
import { redisServer } from "../../servers/Redises.ts"
import { redisOptions } from "../drivers/redis/TestRedis.ts"

const server = redisServer()

/** Leases of one process. */
const leasesAt = (url: string) =>
  Layer.fresh(Layer.orDie(Layer.provide(RedisLeases.layer, Redis.layer(redisOptions(url)))))

/** Time passes by letting what is held end so much earlier. */
const passing = (cli: (...args: ReadonlyArray<string>) => string) => (ms: number) =>
  Effect.sync(() => {
    for (const key of cli("KEYS", "test:lease:*").split("\n")) {
      const [token, end, ...rest] = cli("GET", key).split(" ")
      cli("SET", key, [token, Number(end) - ms, ...rest].join(" "))
    }
  })

leasesContract(
  "RedisLeases",
  Effect.map(server, ({ cli, url }) => ({ leases: leasesAt(url), pass: passing(cli) }))
)

const name = LeaseName.make("report")
const request = (owner: string, leaseMs = 30_000) => ({
  name,
  owner: LeaseOwner.make(owner),
  leaseMs
})

/** The leases of a new process, which ends with the scope. */
const process = Effect.gen(function*() {
  const { url } = yield* server
  return Context.get(yield* Layer.build(leasesAt(url)), Leases)
})

/** Waits for the lease, notes its owner, and gives it back. */
const passOn = (leases: Leases["Service"], owner: string, order: Array<string>) =>
  Effect.gen(function*() {
    const lease = yield* withLease(
      request(owner),
      (lease) =>
        Effect.sync(() => {
          order.push(owner)
          return lease
        }),
      { waitMs: 20_000, everyMs: 10_000 }
    )
    return lease.fencingToken
  }).pipe(Effect.provideService(Leases, leases))

describe("leases in Redis", () => {
  it.live("go to those who wait in the order in which they came, from process to process", () =>
    Effect.scoped(Effect.gen(function*() {
      const pods = yield* Effect.all([process, process, process])
      const [first] = pods
      const held = yield* first.acquire(request("first"))
      const order: Array<string> = []
      const waiting = []
      for (let at = 0; at < 9; at++) {
        const pod = pods[at % 3] ?? first
        waiting.push(yield* Effect.forkChild(passOn(pod, `w${at}`, order)))
        yield* Effect.sleep("20 millis")
      }
      yield* first.release(held)
      const tokens = yield* Effect.forEach(waiting, Fiber.join)
      assert.deepStrictEqual(order, Array.from({ length: 9 }, (_, at) => `w${at}`))
      const all = [held.fencingToken, ...tokens]
      assert.deepStrictEqual(all, all.toSorted((a, b) => a - b))
      assert.strictEqual(new Set(all).size, 10)
    })))

  it.live("are not given to who waits no more, and time out by themselves", () =>
    Effect.scoped(Effect.gen(function*() {
      const [one, two] = yield* Effect.all([process, process])
      const held = yield* one.acquire(request("first"))
      const gone = yield* Effect.forkChild(passOn(two, "gone", []))
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(gone)
      const late = yield* Effect.flip(
        one.acquireWithin?.(request("late"), 200) ?? Effect.die("cannot wait")
      )
      assert.strictEqual(late._tag, "LeaseHeld")
      yield* one.release(held)
      assert.strictEqual((yield* two.acquire(request("next"))).owner, "next")
    })))

  it.live("go to the next when their holder dies, and pass over a dead process that waits", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const [one, two] = yield* Effect.all([process, process])
      const held = yield* one.acquire(request("dead", 1_000))
      cli("ZADD", "test:lease-waiters:{report}", "1", "dead/1 test:leases:dead 60000 dead")
      cli("HSET", "test:lease-seen:{report}", "dead/1", "1")
      const token = yield* passOn(two, "alive", [])
      assert.isAbove(token, held.fencingToken)
      assert.strictEqual((yield* Effect.flip(one.release(held)))._tag, "LeaseLost")
      assert.strictEqual(cli("KEYS", "test:lease-*"), "")
    })))

  it.live("F8: pass over a process that died while it waited, at once", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const [one, two] = yield* Effect.all([process, process])
      const held = yield* one.acquire(request("first"))
      const now = cli("TIME").split("\n")[0] ?? ""
      cli("ZADD", "test:lease-waiters:{report}", "1", "dead/1 test:leases:dead 60000 dead")
      cli("HSET", "test:lease-seen:{report}", "dead/1", `${now}999`)
      const waiting = yield* Effect.forkChild(passOn(two, "alive", []))
      yield* Effect.sleep("50 millis")
      yield* one.release(held)
      assert.isAbove(yield* Fiber.join(waiting), held.fencingToken)
    })))

  it.live("tokens do not fall when the server forgets everything", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const one = yield* process
      const held = yield* one.acquire(request("a"))
      cli("FLUSHALL")
      const next = yield* one.acquire(request("b"))
      assert.isAbove(next.fencingToken, held.fencingToken)
    })))

  it.live("nothing is granted over what somebody else wrote, and it says which key", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const one = yield* process
      const lease = "test:lease:{report}"
      const planted: ReadonlyArray<ReadonlyArray<string>> = [
        ["SET", lease, "mine"],
        ["HSET", lease, "owner", "me"],
        ["SET", lease, "99999999999999999999 0 - me"],
        ["SET", "test:lease-waiters:{report}", "none"]
      ]
      for (const command of planted) {
        cli(...command)
        const refused = yield* Effect.flip(
          one.acquireWithin?.(request("a"), 0) ?? Effect.die("cannot wait")
        )
        assert.strictEqual(refused._tag, "LeasesUnavailable", command.join(" "))
        assert.include(refused.message, "WRONGTYPE")
        cli("FLUSHALL")
      }
      yield* one.acquire(request("a"))
    })))

  it.live("behaviour 82: without Redis nobody is granted anything, and those who wait go on", () =>
    Effect.scoped(Effect.gen(function*() {
      const { kill, start } = yield* server
      const one = yield* process
      yield* kill
      const refused = yield* Effect.flip(one.acquire(request("a")))
      assert.strictEqual(refused._tag, "LeasesUnavailable")
      const waiting = yield* Effect.forkChild(passOn(one, "a", []))
      yield* Effect.sleep("100 millis")
      yield* start
      assert.isAbove(yield* Fiber.join(waiting), 0)
    })))
})
