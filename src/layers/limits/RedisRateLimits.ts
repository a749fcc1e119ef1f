/**
 * Rate limits that all pods of a Redis share.
 *
 * The counts of a client are a hash there, and taking is one script: the rule is that of
 * `domain/RateLimit.ts`, by the clock of the server. While Redis does not answer, each pod lets in
 * its share of the limit by itself, and says so.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { stepsPerWindow } from "../../domain/RateLimit.ts"
import { RateLimits, type Taken } from "../../services/RateLimits.ts"
import * as CircuitBreaker from "../drivers/circuit/CircuitBreaker.ts"
import type { RedisFailed } from "../drivers/redis/Failure.ts"
import { Redis } from "../drivers/redis/Redis.ts"
import { script } from "../drivers/redis/Script.ts"
import { redisCounts } from "../observe/RedisCounts.ts"
import * as LocalRateLimits from "./LocalRateLimits.ts"
import * as PodCount from "./PodCount.ts"

/**
 * A request waits no longer for its place than this; then the pod decides. A Redis that is slow is
 * left alone for a while, or every request would wait so long.
 */
export const patience = { oneMs: 100, failuresMax: 5, openFor: Duration.seconds(5) } as const

/** The limiter as a layer. */
export const layer = (
  options: Pick<LocalRateLimits.LocalRateLimitsOptions, "limit" | "window">
): Layer.Layer<RateLimits, never, Redis> =>
  Layer.effect(
    RateLimits,
    Effect.gen(function*() {
      const redis = yield* Redis
      const counts = yield* redisCounts
      const local = yield* LocalRateLimits.make(options)
      const pods = yield* PodCount.make(redis)
      const windowMs = Duration.toMillis(options.window)
      const state = { refused: 0, isLocal: false }
      const breaker = yield* CircuitBreaker.make("Redis, for rate limits,", {
        failuresMax: patience.failuresMax,
        openFor: patience.openFor,
        successesNeeded: 1
      })

      const shared = (client: string, limit: number): Effect.Effect<Taken, RedisFailed> => {
        const key = redis.key("rate", client)
        const taken = redis.run(taking, [key], limit, windowMs)
        return taken.pipe(
          Effect.catchIf(
            ({ reason }) => reason === "Damaged",
            () => Effect.andThen(redis.setAside(key), taken)
          ),
          Effect.map((reply) => takenOf(reply, limit))
        )
      }

      /** The share of this pod; whoever has less than one has one. */
      const alone = (client: string, limit: number): Effect.Effect<Taken> => {
        counts.localTakes++
        const share = Math.max(1, Math.floor(limit / pods()))
        return Effect.map(local.take(client, share), (taken) => ({ ...taken, limit }))
      }

      const change = (isLocal: boolean, sentence: string) => {
        if (state.isLocal === isLocal) return Effect.void
        state.isLocal = isLocal
        return isLocal ? Effect.logWarning(sentence) : Effect.logInfo(sentence)
      }

      const take = (client: string, limit = options.limit): Effect.Effect<Taken> => {
        if (limit === 0) return Effect.succeed(unlimited)
        return Effect.matchEffect(breaker.protect(inTime(shared(client, limit)), () => true), {
          onSuccess: (taken) => {
            if (!taken.allowed) state.refused++
            return Effect.as(change(false, "rate limits are shared again"), taken)
          },
          onFailure: ({ message }) =>
            Effect.andThen(
              change(true, `rate limits are counted in this pod, by its share: ${message}`),
              alone(client, limit)
            )
        })
      }

      return RateLimits.of({
        windowSeconds: Duration.toSeconds(options.window),
        limit: options.limit,
        take,
        takeNow: undefined,
        counts: () => {
          const own = local.counts()
          return { ...own, refused: own.refused + state.refused }
        }
      })
    })
  )

const inTime = <A, E>(asked: Effect.Effect<A, E>) =>
  Effect.timeoutOrElse(asked, {
    duration: patience.oneMs,
    orElse: () => Effect.fail({ message: `it took longer than ${patience.oneMs} ms` })
  })

const unlimited: Taken = { allowed: true, limit: 0, remaining: 0, resetMs: 0 }

const takenOf = (reply: unknown, limit: number): Taken => {
  const [allowed, remaining, resetMs] = Array.isArray(reply) ? reply.map(Number) : []
  return { allowed: allowed === 1, limit, remaining: remaining ?? 0, resetMs: resetMs ?? 0 }
}

/**
 * Fields: requests by step, their `sum`, and the oldest and newest step. Arguments: the limit and
 * the milliseconds of a window. Returns whether one more was let in, how many still would be, and
 * the milliseconds until there is room. Bounded: at most the steps of one window are looked at.
 */
const taking = script(
  "rate limits.take",
  `
local steps = ${stepsPerWindow}
local max, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local step = math.floor(now * steps / window)
local known = redis.call('HMGET', KEYS[1], 'sum', 'oldest', 'newest')
local sum, oldest, newest = tonumber(known[1] or 0), tonumber(known[2]), tonumber(known[3])
if not sum or (oldest == nil) ~= (newest == nil) or (oldest and newest < oldest) then
  return redis.error_reply('WRONGTYPE the counts are not what this program writes')
end
-- A clock that went back counts in the newest step: nothing is forgotten early for it.
if newest and newest > step then step = newest end

local function name(number)
  return string.format('%.0f', number)
end

local function taken(at)
  return tonumber(redis.call('HGET', KEYS[1], name(at)) or 0)
end

if newest and newest + steps <= step then
  redis.call('DEL', KEYS[1])
  sum, oldest, newest = 0, nil, nil
end
if oldest then
  local from = oldest
  while oldest < newest and (oldest + steps <= step or taken(oldest) == 0) do
    sum = sum - taken(oldest)
    redis.call('HDEL', KEYS[1], name(oldest))
    oldest = oldest + 1
  end
  if oldest ~= from then redis.call('HSET', KEYS[1], 'sum', sum, 'oldest', name(oldest)) end
end

local allowed = sum < max
if allowed then
  redis.call('HINCRBY', KEYS[1], name(step), 1)
  sum = sum + 1
  oldest = oldest or step
  redis.call('HSET', KEYS[1], 'sum', sum, 'oldest', name(oldest), 'newest', name(step))
  redis.call('PEXPIRE', KEYS[1], window + math.ceil(window / steps))
end

local room, left, at = allowed and sum - 1 or max - 1, sum, oldest or step
while at < step do
  left = left - taken(at)
  if left <= room then break end
  at = at + 1
end
local free = math.ceil((at + steps) * window / steps)
return { allowed and 1 or 0, math.max(0, max - sum), free - now }
`
)
