/**
 * Batches of what is asked about keys: one script for all of a tick.
 */
import * as Effect from "effect/Effect"
import { RedisFailed } from "../drivers/redis/Failure.ts"
import type { Redis } from "../drivers/redis/Redis.ts"
import { script } from "../drivers/redis/Script.ts"

/** What is asked about one key. */
export interface Step {
  readonly op: "claim" | "accept" | "release"
  readonly key: string
  /** Fingerprint and claim; of what was accepted the id between them. */
  readonly what: ReadonlyArray<string>
}

/** Steps of one script: it keeps the server for about as many microseconds times three. */
const stepsMax = 500

/**
 * How long a key is kept for a publish that does not end: longer than any publish, and then the
 * process has ended.
 */
const flightMs = 60_000

/** A step that waits for its batch. */
interface Waiting {
  readonly step: Step
  readonly resume: (reply: Effect.Effect<string, RedisFailed>) => void
}

/** The batches of one process. Mutable: they fill and empty with every tick. */
export class KeyBatches {
  private readonly redis: Redis["Service"]
  private readonly ttlMs: number
  private waiting: Array<Waiting> = []

  constructor(redis: Redis["Service"], ttlMs: number) {
    this.redis = redis
    this.ttlMs = ttlMs
  }

  /** The reply to one step: empty, or what stands under its key. */
  ask(step: Step): Effect.Effect<string, RedisFailed> {
    return Effect.callback((resume) => {
      this.waiting.push({ step, resume })
      if (this.waiting.length === 1) queueMicrotask(() => this.flush())
    })
  }

  private flush(): void {
    const all = this.waiting
    this.waiting = []
    // The nodes of a cluster each have their own keys.
    const size = this.redis.isCluster ? 1 : stepsMax
    for (let at = 0; at < all.length; at += size) this.send(all.slice(at, at + size))
  }

  private send(batch: ReadonlyArray<Waiting>): void {
    const keys = batch.map(({ step }) => step.key)
    const what = batch.flatMap(({ step: { op, what: [first = "", second = "", third = ""] } }) => [
      op,
      first,
      second,
      third
    ])
    const asked = this.redis.run(stepping, keys, this.ttlMs, flightMs, ...what)
    Effect.runFork(Effect.match(asked, {
      onFailure: (failure) => batch.forEach(({ resume }) => resume(Effect.fail(failure))),
      onSuccess: (replies) =>
        batch.forEach(({ resume, step }, at) => resume(replyOf(step, replies, at)))
    }))
  }
}

const replyOf = (
  { key }: Step,
  replies: unknown,
  at: number
): Effect.Effect<string, RedisFailed> => {
  const reply: unknown = Array.isArray(replies) ? replies[at] : undefined
  return typeof reply === "string" && reply !== damaged
    ? Effect.succeed(reply)
    : Effect.fail(
      new RedisFailed({
        reason: "Damaged",
        command: stepping.name,
        detail: `${key} is not what this program writes`
      })
    )
}

/** What is replied for a key under which somebody else wrote. */
const damaged = "D"

/**
 * Arguments: milliseconds of an accepted key and of one in flight, then four texts for each key.
 * Nothing of a damaged key is written, and the others are not held up by it.
 */
const stepping = script(
  "keys.step",
  `
local replies = {}
for at, key in ipairs(KEYS) do
  local base = 2 + (at - 1) * 4
  local op, first, second, third = ARGV[base + 1], ARGV[base + 2], ARGV[base + 3], ARGV[base + 4]
  local known = redis.pcall('GET', key)
  local isOurs = not known or
    (type(known) == 'string' and string.match(known, '^[AF] %S+ %S+$') ~= nil)
  if not isOurs then
    replies[at] = '${damaged}'
  elseif op == 'claim' then
    if known then
      replies[at] = known
    else
      redis.call('SET', key, 'F ' .. first .. ' ' .. second, 'PX', ARGV[2])
      replies[at] = ''
    end
  elseif op == 'accept' then
    if not known or known == 'F ' .. first .. ' ' .. third then
      redis.call('SET', key, 'A ' .. first .. ' ' .. second, 'PX', ARGV[1])
    end
    replies[at] = ''
  else
    if known == 'F ' .. first .. ' ' .. second then redis.call('DEL', key) end
    replies[at] = ''
  end
end
return replies
`
)
