import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Redacted, Schedule } from "effect"
import { make, type RedisOptions } from "../../../../src/layers/drivers/redis/Redis.ts"
import { script } from "../../../../src/layers/drivers/redis/Script.ts"
import {
  RedisCounts,
  redisCounts,
  redisSeries
} from "../../../../src/layers/observe/RedisCounts.ts"
import { redis } from "../../../servers/Redis.ts"
import { redisServer } from "../../../servers/Redises.ts"
import { redisOptions } from "./TestRedis.ts"

const server = redisServer()

const add = script("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")

/** A breaker that opens at once and closes soon. */
const quick = { failuresMax: 2, openFor: Duration.millis(300), successesNeeded: 1 }

/** Why a Redis cannot be opened. */
const refusal = (options: RedisOptions) => Effect.flip(Effect.scoped(make(options)))

/** Tries until it succeeds; the tests have a time limit of their own. */
const eventually = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.retry(effect, { schedule: Schedule.spaced("20 millis") })

describe("a Redis", () => {
  it.live("carries out commands and scripts, which it learns by itself", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli, url } = yield* server
      const { command, key, run } = yield* make(redisOptions(url))
      const sum = key("sum", "a")
      assert.strictEqual(sum, "test:sum:{a}")
      assert.strictEqual(yield* run(add, [sum], 2), 2)
      cli("SCRIPT", "FLUSH")
      const sums = yield* Effect.all([1, 1, 1].map((by) => run(add, [sum], by)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(sums, [3, 4, 5])
      assert.strictEqual(yield* command("read", "GET", sum), "5")
    })))

  it.live("sends what is asked in one tick together", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli, url } = yield* server
      const { command, key } = yield* make(redisOptions(url))
      const reads = () => Number(/total_reads_processed:(\d+)/.exec(cli("INFO", "stats"))?.[1])
      const before = reads()
      yield* Effect.all(
        Array.from({ length: 200 }, (_, at) => command("set", "SET", key("n", `${at}`), "1")),
        { concurrency: "unbounded" }
      )
      assert.isBelow(reads() - before, 40)
    })))

  it.live("says by its reason why a command failed, and is not given up for it", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli, url } = yield* server
      const counts = new RedisCounts()
      const { circuit, command, key, run } = yield* Effect.provideService(
        make({ ...redisOptions(url), circuit: quick }),
        redisCounts,
        counts
      )
      const list = key("list", "a")
      cli("RPUSH", list, "1")
      for (let at = 0; at < 3; at++) {
        assert.strictEqual((yield* Effect.flip(run(add, [list], 1))).reason, "Damaged")
        assert.strictEqual((yield* Effect.flip(command("wrong", "GOT", "a"))).reason, "Refused")
      }
      cli("CONFIG", "SET", "maxmemory", "1")
      const full = yield* Effect.flip(command("set", "SET", key("a", "b"), "1"))
      cli("CONFIG", "SET", "maxmemory", "0")
      assert.strictEqual(full.reason, "Full")
      assert.strictEqual(circuit(), "Closed")
      const failures = redisSeries(counts).find(({ name }) => name === "redis_failures_total")
      assert.deepStrictEqual(failures?.samples, [
        { labels: { reason: "Damaged" }, value: 3 },
        { labels: { reason: "Refused" }, value: 3 },
        { labels: { reason: "Full" }, value: 1 }
      ])
    })))

  it.live("F2: away, it refuses at once behind its breaker, and serves when it is back", () =>
    Effect.scoped(Effect.gen(function*() {
      const { kill, start, url } = yield* server
      const { circuit, command } = yield* make({ ...redisOptions(url), circuit: quick })
      const ping = command("ping", "PING")
      yield* ping
      yield* kill
      yield* Effect.repeat(Effect.flip(ping), { until: () => circuit() === "Open" })
      assert.include((yield* Effect.flip(ping)).detail, "Redis failed repeatedly")
      yield* start
      assert.strictEqual(yield* eventually(ping), "PONG")
      assert.strictEqual(circuit(), "Closed")
    })))

  it.live("F2: is tried as soon as it is connected again, whatever time its breaker has", () =>
    Effect.scoped(Effect.gen(function*() {
      const { kill, start, url } = yield* server
      const { circuit, command } = yield* make({
        ...redisOptions(url),
        circuit: { failuresMax: 2, openFor: Duration.hours(1), successesNeeded: 3 }
      })
      const ping = command("ping", "PING")
      yield* kill
      yield* Effect.repeat(Effect.flip(ping), { until: () => circuit() === "Open" })
      yield* start
      yield* eventually(ping)
      yield* eventually(Effect.filterOrFail(ping, () => circuit() === "Closed"))
    })))

  it.live("F4: silent, it keeps nobody for longer than the limit, and serves when it goes on", () =>
    Effect.scoped(Effect.gen(function*() {
      const { process, url } = yield* server
      const { command } = yield* make({ ...redisOptions(url), circuit: quick })
      const ping = command("ping", "PING")
      yield* ping
      process().kill("SIGSTOP")
      const failures = yield* Effect.all([Effect.flip(ping), Effect.flip(ping)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(failures.map(({ reason }) => reason), ["Unknown", "Unknown"])
      process().kill("SIGCONT")
      assert.strictEqual(yield* eventually(ping), "PONG")
    })))

  it.live("channels are heard again after the connection was lost, and the gap is told", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli, kill, start, url } = yield* server
      const { listen } = yield* make(redisOptions(url))
      const heard: Array<string> = []
      const missed = yield* Deferred.make<void>()
      yield* listen("news", {
        said: (text) => heard.push(text),
        missed: () => Deferred.doneUnsafe(missed, Effect.void)
      })
      const say = (text: string) => Effect.sync(() => cli("PUBLISH", "test:news", text))
      yield* eventually(Effect.filterOrFail(say("one"), () => heard.includes("one")))
      yield* kill
      yield* start
      yield* Deferred.await(missed)
      yield* eventually(Effect.filterOrFail(say("two"), () => heard.includes("two")))
    })))
})

describe("a Redis that cannot be used says why at the start", () => {
  it.live("an address that is none, or where nobody is", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* refusal(redisOptions("redis://a,b")), { reason: "Address" })
      const away = yield* refusal(redisOptions("redis://127.0.0.1:1"))
      assert.strictEqual(away.reason, "Away")
      assert.include(away.message, "the Redis of REDIS_URL cannot be used (Away): ")
      assert.include(away.message, "ECONNREFUSED 127.0.0.1:1")
    }))

  it.live("a wrong password, and none", () =>
    Effect.scoped(Effect.gen(function*() {
      const { port } = yield* Effect.orDie(redis({ requirepass: "secret" }))
      const at = (url: string, password?: string) => ({
        ...redisOptions(url),
        password: password === undefined ? undefined : Redacted.make(password)
      })
      const wrong = yield* refusal(at(`redis://:nope@127.0.0.1:${port}`))
      assert.deepInclude(wrong, { reason: "Denied" })
      assert.notInclude(wrong.message, "nope")
      assert.deepInclude(yield* refusal(at(`redis://127.0.0.1:${port}`)), { reason: "Denied" })
      const { command } = yield* make(at(`redis://:nope@127.0.0.1:${port}`, "secret"))
      assert.strictEqual(yield* command("ping", "PING"), "PONG")
    })))

  it.live("without scripts, and without memory", () =>
    Effect.scoped(Effect.gen(function*() {
      const { url } = yield* Effect.orDie(redis({ "rename-command": "EVALSHA NO" }))
      const unfit = yield* refusal(redisOptions(url))
      assert.deepInclude(unfit, { reason: "Unfit" })
      assert.include(unfit.detail, "unknown command")
      const full = yield* server
      full.cli("CONFIG", "SET", "maxmemory", "1")
      const refused = yield* refusal(redisOptions(full.url))
      full.cli("CONFIG", "SET", "maxmemory", "0")
      assert.deepInclude(refused, { reason: "Unfit" })
      assert.include(refused.detail, "OOM")
    })))
})
