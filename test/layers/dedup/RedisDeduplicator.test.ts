import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer } from "effect"
import * as RedisDeduplicator from "../../../src/layers/dedup/RedisDeduplicator.ts"
import * as Redis from "../../../src/layers/drivers/redis/Redis.ts"
import { RedisCounts, redisCounts } from "../../../src/layers/observe/RedisCounts.ts"
import { type ClaimedKey, Deduplicator } from "../../../src/services/Deduplicator.ts"
import { redisServer } from "../../servers/Redises.ts"
import { redisOptions } from "../drivers/redis/TestRedis.ts"

const server = redisServer()

/** A breaker that tries again soon. */
const circuit = { failuresMax: 5, openFor: Duration.millis(100), successesNeeded: 1 }

/** The deduplicator of a new pod. */
const pod = (ttlMs?: number) =>
  Effect.gen(function*() {
    const { url } = yield* server
    const redis = Redis.layer({ ...redisOptions(url), circuit })
    const context = yield* Layer.build(
      Layer.fresh(Layer.provide(RedisDeduplicator.layer(ttlMs), redis))
    )
    return Context.get(context, Deduplicator)
  })

const key = (scope: string, fingerprint = "f1") => ({ scope, fingerprint })

const first = { id: "m1", shard: 3 }

/** Claims a key that is free. */
const claimed = (deduplicator: Deduplicator["Service"], scope: string) =>
  Effect.flatMap(
    deduplicator.claim(key(scope)),
    (found) => found._tag === "Claimed" ? Effect.succeed(found) : Effect.die(found)
  )

const keysOf = (cli: (...args: ReadonlyArray<string>) => string): ReadonlyArray<string> =>
  cli("KEYS", "test:claim:*").split("\n").filter((name) => name !== "")

describe("keys that pods share", () => {
  it.live("P4: are in flight for the others, then accepted with the first reply, for an hour", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const [one, two] = yield* Effect.all([pod(), pod()])
      const own = yield* claimed(one, "a")
      const flying = { _tag: "InFlight", fingerprint: "f1" } as const
      assert.deepStrictEqual(yield* two.claim(key("a", "f2")), flying)
      assert.deepStrictEqual(yield* one.claim(key("a")), flying)
      const [name = ""] = keysOf(cli)
      assert.isAtMost(Number(cli("PTTL", name)), 60_000)
      yield* one.accept(own, first)
      const known = { _tag: "Accepted", fingerprint: "f1", ...first } as const
      assert.deepStrictEqual(yield* two.claim(key("a", "f2")), known)
      const left = Number(cli("PTTL", name))
      assert.isAtMost(left, 3_600_000)
      assert.isAbove(left, 3_590_000)
    })))

  it.live("P4: are free again after a refusal, and when their time has passed", () =>
    Effect.scoped(Effect.gen(function*() {
      const [one, two] = yield* Effect.all([pod(150), pod(150)])
      yield* one.release(yield* claimed(one, "a"))
      const own = yield* claimed(two, "a")
      yield* two.accept(own, first)
      assert.strictEqual((yield* one.claim(key("a")))._tag, "Accepted")
      yield* Effect.sleep("200 millis")
      yield* claimed(one, "a")
    })))

  it.live("cannot be completed or released by a claim that has ended", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const one = yield* pod()
      const stale: ClaimedKey = yield* claimed(one, "a")
      cli("FLUSHALL")
      yield* claimed(one, "a")
      yield* one.release(stale)
      yield* one.accept(stale, first)
      assert.strictEqual((yield* one.claim(key("a")))._tag, "InFlight")
    })))

  it.live("of a tick are asked for in one script", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const one = yield* pod()
      yield* claimed(one, "warm")
      cli("CONFIG", "RESETSTAT")
      yield* Effect.forEach(
        Array.from({ length: 400 }, (_, at) => `s${at % 300}`),
        (scope) => one.claim(key(scope)),
        { concurrency: "unbounded" }
      )
      assert.match(cli("INFO", "commandstats"), /cmdstat_evalsha:calls=1,/)
      assert.lengthOf(keysOf(cli), 301)
    })))

  it.live("where somebody else wrote are set aside, and hold up no others of the tick", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cli } = yield* server
      const one = yield* pod()
      yield* claimed(one, "bad")
      const [bad = ""] = keysOf(cli)
      cli("DEL", bad)
      cli("RPUSH", bad, "mine")
      const [found, other] = yield* Effect.all([one.claim(key("bad")), one.claim(key("good"))], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([found._tag, other._tag], ["Claimed", "Claimed"])
      assert.strictEqual(cli("LLEN", bad.replace("test:", "test:quarantine:")), "1")
    })))

  it.live("F4: claimed by a script whose answer was lost, are free again soon, here at once", () =>
    Effect.scoped(Effect.gen(function*() {
      const { process } = yield* server
      const [one, two] = yield* Effect.all([pod(), pod()])
      process().kill("SIGSTOP")
      const lost = yield* Effect.all(
        ["a", "b"].map((scope) => Effect.flip(one.claim(key(scope)))),
        { concurrency: "unbounded" }
      )
      process().kill("SIGCONT")
      assert.deepStrictEqual(lost.map(({ _tag }) => _tag), ["KeysUnavailable", "KeysUnavailable"])
      const free = (deduplicator: Deduplicator["Service"], scope: string) =>
        Effect.repeat(
          Effect.delay(
            Effect.orElseSucceed(
              Effect.map(deduplicator.claim(key(scope)), ({ _tag }) => _tag),
              () => "Away"
            ),
            "20 millis"
          ),
          { until: (tag) => tag === "Claimed" }
        )
      yield* free(one, "a")
      yield* free(two, "b")
    })))

  it.live("F2: away, nothing is claimed; what was accepted meanwhile is told when it is back", () =>
    Effect.scoped(Effect.gen(function*() {
      const { kill, start } = yield* server
      const one = yield* Effect.provideService(pod(), redisCounts, new RedisCounts())
      const own = yield* claimed(one, "a")
      yield* kill
      yield* one.accept(own, first)
      const refused = yield* Effect.flip(one.claim(key("b")))
      assert.strictEqual(refused._tag, "KeysUnavailable")
      yield* start
      const isTold = Effect.map(one.claim(key("a")), ({ _tag }) => _tag === "Accepted")
      yield* Effect.repeat(
        Effect.delay(Effect.orElseSucceed(isTold, () => false), "50 millis"),
        { until: (told) => told }
      )
    })))
})
