/**
 * How many pods share a Redis: each says now and then that it is there.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import type { Redis } from "../drivers/redis/Redis.ts"
import { script } from "../drivers/redis/Script.ts"

/** How often a pod says so. */
const every = Duration.seconds(5)

/** A pod that has not said so for this long is gone, in milliseconds. */
const goneMs = 20_000

/** The number as it was last known: at least 1, which is this pod. */
export const make = (
  redis: Redis["Service"]
): Effect.Effect<() => number, never, Scope.Scope> =>
  Effect.gen(function*() {
    const state = { pods: 1 }
    const pod = randomUUID()
    const key = redis.key("pods", "all")
    const beat = Effect.map(redis.run(being, [key], pod, goneMs), (pods) => {
      state.pods = Math.max(1, Number(pods))
    })
    // Fewer are right at once when one leaves in order; a failure leaves the number as it was.
    yield* Effect.addFinalizer(() => Effect.ignore(redis.command("pods.leave", "ZREM", key, pod)))
    yield* Effect.ignore(beat)
    yield* Effect.forkScoped(
      Effect.repeat(Effect.ignore(Effect.delay(beat, every)), Schedule.forever)
    )
    return () => state.pods
  })

const being = script(
  "pods.be",
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`
)
