/**
 * The registry: pods that each have a log of their own find each other in a Redis.
 *
 * A pod says now and then that it is there, where it is reached and with which token, and learns
 * the same of others in the same step. While Redis is away, pods stay known as they were.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { RedisFailed } from "../../drivers/redis/Failure.ts"
import type { Redis } from "../../drivers/redis/Redis.ts"
import { script } from "../../drivers/redis/Script.ts"
import { podsMax } from "./GlobalNumbers.ts"
import { changesKey, tended, type TypedKey } from "./TypedKeys.ts"

/** How often a pod says that it is there. */
const every = Duration.seconds(2)

/** A pod that has not said so for this long is gone, in milliseconds. */
export const goneMs = 10_000

/** What the script replies instead of a number when all numbers are taken. */
const noNumber = -1

/** What a pod says of itself; a later version only adds fields. */
const Entry = Schema.fromJsonString(Schema.Struct({
  pod: Schema.String,
  /** Of this process: another one may have the name after it. */
  token: Schema.String,
  /** Base URL, as other pods reach it. */
  url: Schema.String,
  version: Schema.String,
  /** Unix milliseconds. */
  startedAt: Schema.Finite,
  /** Deliveries that it has to do. */
  load: Schema.Finite,
  /** Whether something in it listens to what is published anywhere. */
  isListening: Schema.Boolean
}))

/** What a pod says of itself. */
export type PodEntry = typeof Entry.Type

/** A pod as another one knows it. */
export interface Registered extends PodEntry {
  /** Milliseconds since it said so, when this was learned. */
  readonly seenMs: number
}

const encode = Schema.encodeSync(Entry)
const decode = Schema.decodeUnknownOption(Entry)

/** Who is there. Mutable: with every beat. */
export class Registry {
  others: ReadonlyArray<Registered> = []
  /** What this pod said of itself last. */
  own: PodEntry | undefined = undefined
  /** The number of this pod, which no other has. */
  number = 0
  /** Grows when subscriptions change. */
  version = 0
  private change = Deferred.makeUnsafe<void>()

  /** Ends once there are other pods than at this call. */
  changed(): Effect.Effect<void> {
    return Deferred.await(this.change)
  }

  /** Takes what Redis said. */
  learn(others: ReadonlyArray<Registered>): void {
    const names = (all: ReadonlyArray<Registered>) => all.map(({ token }) => token).join()
    const isSame = names(others) === names(this.others)
    this.others = others
    if (isSame) return
    const { change } = this
    this.change = Deferred.makeUnsafe()
    Deferred.doneUnsafe(change, Effect.void) // Last: who waits goes on within this call.
  }
}

/** What registering takes. */
export interface RegistryOptions {
  readonly redis: Redis["Service"]
  /** What this pod says of itself now. */
  readonly describe: () => PodEntry
}

/** A registry, and the step that brings it up to date; this pod leaves it with the scope. */
export const make = (
  { describe, redis }: RegistryOptions
): Effect.Effect<
  { readonly registry: Registry; readonly beat: Effect.Effect<void, RedisFailed> },
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const registry = new Registry()
    const keys = registryKeys(redis)
    const names = keys.map(({ key }) => key)
    const state: Beats = { hasBegun: false, told: "" }
    const beat = Effect.gen(function*() {
      const own = describe()
      const wished = registry.own === undefined ? noNumber : registry.number
      const said = yield* tended(
        redis,
        keys,
        redis.run(being, names, own.pod, encode(own), goneMs, podsMax, wished)
      )
      const [former, version, number, ...all] = Array.isArray(said) ? said : []
      registry.own = own
      registry.version = Number(version)
      if (Number(number) === noNumber) {
        const detail = `there are numbers for ${podsMax} pods only, and each is taken`
        return yield* new RedisFailed({ reason: "Refused", command: being.name, detail })
      }
      registry.number = Number(number)
      const others = entriesOf(all).filter(({ pod }) => pod !== own.pod)
      registry.learn(others)
      yield* tellDouble(state, own, former)
    })
    yield* Effect.addFinalizer(() =>
      Effect.ignore(redis.run(leaving, names, describe().pod, encode(describe())))
    )
    yield* Effect.forkScoped(
      Effect.repeat(Effect.ignore(Effect.delay(beat, every)), Schedule.forever)
    )
    return { registry, beat }
  })

/** Keys of what the scripts here work with. */
const registryKeys = (redis: Redis["Service"]): ReadonlyArray<TypedKey> => [
  { key: redis.key("alive", "pods"), type: "zset" },
  { key: redis.key("entries", "pods"), type: "hash" },
  { key: redis.key("numbers", "pods"), type: "hash" },
  changesKey(redis)
]

/** Two processes under one name would take each other's messages back: somebody must know. */
const tellDouble = (
  state: Beats,
  { pod, token }: PodEntry,
  former: unknown
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const other = Option.filter(decode(former), (entry) => entry.token !== token)
    const isFirst = !state.hasBegun // It finds who had the name before.
    state.hasBegun = true
    if (isFirst || Option.isNone(other) || state.told === other.value.token) return Effect.void
    state.told = other.value.token
    return Effect.logWarning(
      `another process says that it is the pod ${pod}, at ${other.value.url}: ` +
        "give each a host name or a POD_PORT of its own"
    )
  })

/** What a pod remembers of its beats. Mutable. */
interface Beats {
  hasBegun: boolean
  /** The token of the process that was told of. */
  told: string
}

/** What follows one after the other: age and entry of each. */
const entriesOf = (all: ReadonlyArray<unknown>): ReadonlyArray<Registered> =>
  all.flatMap((text, at) =>
    at % 2 === 0
      ? []
      : Option.match(decode(text), {
        onNone: () => [], // Of somebody else, or of a later time.
        onSome: (entry) => [{ ...entry, seenMs: Number(all[at - 1]) }]
      })
  )

/**
 * Keys: who is alive by the time it was last seen, their entries, the numbers of all that ever
 * were, and how often subscriptions have changed. Arguments: name, entry, the milliseconds until
 * somebody is gone, how many numbers there are, and the one that it had. Returns who had the name
 * before, the changes, the number, and for each pod how long ago it was seen and its entry.
 */
const being = script(
  "pods.be",
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pod = ARGV[1]
local former = redis.call('HGET', KEYS[2], pod) or ''
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])) do
  redis.call('HDEL', KEYS[2], gone)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
redis.call('ZADD', KEYS[1], now, pod)
redis.call('HSET', KEYS[2], pod, ARGV[2])
local number = redis.call('HGET', KEYS[3], pod)
if not number then
  local taken = {}
  for _, one in ipairs(redis.call('HVALS', KEYS[3])) do taken[one] = true end
  number = math.max(0, tonumber(ARGV[5]))
  if taken[tostring(number)] then number = 0 end
  while number < tonumber(ARGV[4]) and taken[tostring(number)] do number = number + 1 end
  if number == tonumber(ARGV[4]) then
    number = ${noNumber}
  else
    redis.call('HSET', KEYS[3], pod, number)
  end
end
local changes = tonumber(redis.call('GET', KEYS[4]) or 0) or 0
local reply = { former, tostring(changes), tostring(number) }
local alive = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for at = 1, #alive, 2 do
  local entry = redis.call('HGET', KEYS[2], alive[at])
  if entry then
    table.insert(reply, tostring(now - alive[at + 1]))
    table.insert(reply, entry)
  end
end
return reply
`
)

/** Takes a pod out, unless a successor has its name by now. */
const leaving = script(
  "pods.leave",
  `
local entry = redis.call('HGET', KEYS[2], ARGV[1])
if entry and cjson.decode(entry).token == cjson.decode(ARGV[2]).token then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 1
`
)
