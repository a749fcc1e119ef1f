/**
 * The table of subscriptions that pods with logs of their own share in a Redis.
 *
 * It says which there should be; what they have delivered is in each pod's log. One that was
 * deleted stays in it as such for a week, so that a pod that was away deletes it, too. Should Redis
 * lose the table, pods write what they have anew: nothing is deleted for not being there.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { SubscriptionName, SubscriptionOptions } from "../../../domain/Subscription.ts"
import type { RedisFailed } from "../../drivers/redis/Failure.ts"
import type { Redis } from "../../drivers/redis/Redis.ts"
import { script } from "../../drivers/redis/Script.ts"
import { changesKey, tended, type TypedKey } from "./TypedKeys.ts"

/** How long a pod may be away and still learn of a deletion, in milliseconds. */
export const tombMs = 7 * 86_400_000

/** One subscription; a later version only adds fields. */
const Row = Schema.fromJsonString(Schema.Struct({
  options: SubscriptionOptions,
  /** When it was deleted (Unix milliseconds), if it was. */
  deletedAt: Schema.optionalKey(Schema.Finite)
}))

/** One subscription of the table. */
export type Row = typeof Row.Type

/** A row with its name and text; the text tells whether somebody has changed it meanwhile. */
export interface Found {
  readonly name: SubscriptionName
  readonly row: Row
  readonly text: string
}

const encode = Schema.encodeSync(Row)
const decode = Schema.decodeUnknownOption(Row)
const nameOf = Schema.decodeUnknownOption(SubscriptionName)

/** The table. */
export interface SubscriptionTable {
  readonly all: Effect.Effect<ReadonlyArray<Found>, RedisFailed>
  readonly find: (name: SubscriptionName) => Effect.Effect<Found | undefined, RedisFailed>
  /** Writes a row in place of what was found; `false` if that has changed meanwhile. */
  readonly write: (
    name: SubscriptionName,
    found: Found | undefined,
    row: Row
  ) => Effect.Effect<boolean, RedisFailed>
  /** Takes a row out for good. */
  readonly forget: (found: Found) => Effect.Effect<void, RedisFailed>
}

/** The table in a Redis. */
export const make = (redis: Redis["Service"]): SubscriptionTable => {
  const table: TypedKey = { key: redis.key("subscriptions", "pods"), type: "hash" }
  const changes = changesKey(redis)
  const run = (name: string, was: string, will: string) =>
    tended(
      redis,
      [table, changes],
      redis.run(writing, [table.key, changes.key], name, was, will)
    )
  return {
    all: Effect.map(
      tended(redis, [table], redis.command("subscriptions.all", "HGETALL", table.key)),
      (reply) => {
        const texts = Array.isArray(reply) ? reply : []
        return texts.flatMap((text, at) => at % 2 === 0 ? [] : foundOf(String(texts[at - 1]), text))
      }
    ),
    find: (name) =>
      Effect.map(
        tended(redis, [table], redis.command("subscriptions.find", "HGET", table.key, name)),
        (text) => foundOf(name, text)[0]
      ),
    write: (name, found, row) => Effect.map(run(name, found?.text ?? "", encode(row)), isDone),
    forget: ({ name, text }) => Effect.asVoid(run(name, text, ""))
  }
}

const isDone = (reply: unknown): boolean => Number(reply) === 1

/** Nothing, if somebody else wrote it. */
const foundOf = (field: string, text: unknown): ReadonlyArray<Found> =>
  Option.match(Option.all([nameOf(field), decode(text)]), {
    onNone: () => [],
    onSome: ([name, row]) => [{ name, row, text: String(text) }]
  })

/**
 * Arguments: a name, the text that stands there (empty for none), and the one that shall. What is
 * not a row of this table is in nobody's way.
 */
const writing = script(
  "subscriptions.write",
  `
local is = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if is ~= ARGV[2] and string.find(is, '"options"', 1, true) then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
if not tonumber(redis.call('GET', KEYS[2]) or 0) then redis.call('SET', KEYS[2], 0) end
redis.call('INCR', KEYS[2])
return 1
`
)
