import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer } from "effect"
import { take, unused } from "../../../src/domain/RateLimit.ts"
import * as Redis from "../../../src/layers/drivers/redis/Redis.ts"
import { layer } from "../../../src/layers/limits/RedisRateLimits.ts"
import { RedisCounts, redisCounts } from "../../../src/layers/observe/RedisCounts.ts"
import { RateLimits } from "../../../src/services/RateLimits.ts"
import { type Asked, rateLimitsContract } from "../../contracts/RateLimitsContract.ts"
import { redisServer } from "../../servers/Redises.ts"
import { redisOptions } from "../drivers/redis/TestRedis.ts"

const server = redisServer()

const window = Duration.seconds(60)

/** The limiter of a new pod. */
const pod = (asked: Asked) =>
  Layer.unwrap(
    Effect.map(server, ({ url }) =>
      Layer.fresh(Layer.orDie(Layer.provide(layer(asked), Redis.layer(redisOptions(url))))))
  )

/** Time passes by letting everything have happened so much earlier, in whole steps. */
const pass = (ms: number) =>
  Effect.map(server, ({ cli }) => {
    const steps = Math.ceil(ms * 60 / Duration.toMillis(window))
    const earlier = `for _, key in ipairs(redis.call('KEYS', 'test:rate:*')) do
      local all = redis.call('HGETALL', key)
      redis.call('DEL', key)
      for at = 1, #all, 2 do
        local name, value = all[at], all[at + 1]
        if name == 'oldest' or name == 'newest' then
          value = string.format('%.0f', value - ${steps})
        elseif name ~= 'sum' then
          name = string.format('%.0f', name - ${steps})
        end
        redis.call('HSET', key, name, value)
      end
    end`
    cli("EVAL", earlier, "0")
  })

rateLimitsContract("RedisRateLimits", pod, pass)

const limitsOf = (asked: Asked) =>
  Effect.map(Layer.build(pod(asked)), (context) => Context.get(context, RateLimits))

describe("limits that pods share", () => {
  it.live("P10: 1,000 per window over 3 pods let in 1,000, whoever asks where", () =>
    Effect.scoped(Effect.gen(function*() {
      const asked = { limit: 1_000, window }
      const pods = yield* Effect.all([limitsOf(asked), limitsOf(asked), limitsOf(asked)])
      const taken = yield* Effect.all(
        Array.from({ length: 2_000 }, (_, at) => pods[at % 3]?.take("client") ?? Effect.die(at)),
        { concurrency: 64 }
      )
      assert.lengthOf(taken.filter(({ allowed }) => allowed), 1_000)
      const { cli } = yield* server
      assert.isAbove(Number(cli("PTTL", "test:rate:{client}")), 0)
      assert.isAtMost(Number(cli("HLEN", "test:rate:{client}")), 63)
    })))

  it.live("agree with the rule at every step, also when the limit is lowered", () =>
    Effect.scoped(Effect.gen(function*() {
      const limits = yield* limitsOf({ limit: 6, window })
      const usage = unused()
      const state = { now: 1_000_000_000_000 }
      // Gaps and bursts: [how long before, how many, under which limit].
      const plan = [
        ...[[0, 3, 6], [7_000, 2, 6], [30_000, 4, 6], [22_500, 2, 6], [1_000, 3, 2]],
        ...[[41_000, 1, 2], [61_000, 7, 6], [180_000, 1, 6], [59_000, 6, 6], [2_000, 1, 6]]
      ]
      for (const [before = 0, count = 0, max = 0] of plan) {
        yield* pass(before)
        state.now += Math.ceil(before / 1_000) * 1_000
        for (let at = 0; at < count; at++) {
          const expected = take(usage, { max, windowMs: 60_000 }, state.now)
          const found = yield* limits.take("client", max)
          assert.deepInclude(found, {
            allowed: expected.allowed,
            remaining: expected.remaining
          }, `${before} ${count} ${max} ${at}`)
          // The rule's clock stands still, the server's runs on within its step.
          assert.closeTo(found.resetMs, expected.resetMs, 2_000)
        }
      }
    })))

  it.live("F2: without Redis each pod lets in its share, says so, and shares again after it", () =>
    Effect.scoped(Effect.gen(function*() {
      const counts = new RedisCounts()
      const asked = { limit: 30, window }
      const { kill, start } = yield* server
      yield* limitsOf(asked)
      yield* limitsOf(asked)
      const third = yield* Effect.provideService(limitsOf(asked), redisCounts, counts)
      assert.isTrue((yield* third.take("client")).allowed)
      yield* kill
      const taken = yield* Effect.forEach(Array.from({ length: 40 }), () => third.take("client"))
      assert.lengthOf(taken.filter(({ allowed }) => allowed), 10)
      assert.strictEqual(taken[0]?.limit, 30)
      assert.strictEqual(counts.localTakes, 40)
      yield* start
    })))

  it.live("what somebody else wrote under a key is set aside, and the client counted anew", () =>
    Effect.scoped(Effect.gen(function*() {
      const counts = new RedisCounts()
      const limits = yield* Effect.provideService(
        limitsOf({ limit: 2, window }),
        redisCounts,
        counts
      )
      const { cli } = yield* server
      cli("SET", "test:rate:{bad}", "1")
      cli("HSET", "test:rate:{worse}", "sum", "many")
      cli("HSET", "test:rate:{worst}", "oldest", "1")
      for (const client of ["bad", "worse", "worst"]) {
        const taken = yield* Effect.forEach([1, 2, 3], () => limits.take(client))
        assert.deepStrictEqual(taken.map(({ allowed }) => allowed), [true, true, false])
      }
      assert.strictEqual(counts.quarantined, 3)
      assert.strictEqual(counts.localTakes, 0)
      assert.strictEqual(cli("GET", "test:quarantine:rate:{bad}"), "1")
    })))
})
