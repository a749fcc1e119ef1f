/**
 * Sessions in Redis: every pod that shares it sees the same.
 *
 * A session is one text, `version value`, that ends by itself, by the clock of the server.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Session } from "../../domain/Session.ts"
import { SessionConflict, Sessions, SessionsUnavailable } from "../../services/Sessions.ts"
import type { RedisFailed } from "../drivers/redis/Failure.ts"
import { Redis } from "../drivers/redis/Redis.ts"
import { type Script, script } from "../drivers/redis/Script.ts"
import { issueOf } from "./Checking.ts"

/** The sessions of all that share the Redis. */
export const layer: Layer.Layer<Sessions, never, Redis> = Layer.effect(
  Sessions,
  Effect.map(Redis, (redis) => {
    const keyOf = (name: string): string => redis.key("session", name)
    const run = (script: Script, name: string, ...args: ReadonlyArray<string | number>) => {
      const asked = redis.run(script, [keyOf(name)], ...args)
      return asked.pipe(
        Effect.catchIf(
          ({ reason }) => reason === "Damaged",
          () => Effect.andThen(redis.setAside(keyOf(name)), asked)
        ),
        Effect.mapError(unavailable)
      )
    }
    return Sessions.of({
      scope: "cluster",
      read: (name) => Effect.map(run(reading, name), sessionOf),
      write: (write) => {
        const { name, ttlMs, value, version } = write
        const issue = issueOf(write)
        if (issue !== undefined) return Effect.fail(issue)
        return Effect.flatMap(
          run(writing, name, value, ttlMs, version ?? ""),
          (reply) =>
            typeof reply === "string"
              ? Effect.fail(new SessionConflict({ name, version: Number(reply) }))
              : Effect.succeed({ ...writtenOf(reply), value })
        )
      },
      remove: (name, version) =>
        Effect.flatMap(run(removing, name, version ?? ""), (reply) =>
          typeof reply === "string"
            ? Effect.fail(new SessionConflict({ name, version: Number(reply) }))
            : Effect.succeed(reply === 1))
    })
  })
)

const unavailable = ({ message }: RedisFailed): SessionsUnavailable =>
  new SessionsUnavailable({ detail: message })

const writtenOf = (reply: unknown): Pick<Session, "expiresAt" | "version"> => {
  const [version, expiresAt] = Array.isArray(reply) ? reply.map(Number) : []
  return { version: version ?? 0, expiresAt: expiresAt ?? 0 }
}

/** What was read: the version, the end and the value, or nothing. */
const sessionOf = (reply: unknown): Option.Option<Session> => {
  const [version, expiresAt, value] = Array.isArray(reply) ? reply : []
  return value === undefined
    ? Option.none()
    : Option.some({
      value: String(value),
      version: Number(version),
      expiresAt: Number(expiresAt)
    })
}

/** What stands there was written here, or the script fails before it writes anything. */
const common = `
local time = redis.call('TIME')
local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
local known = redis.call('GET', KEYS[1])
local version, value = '0', nil
if known then
  version, value = string.match(known, '^(%d+) (.*)$')
  if not version or #version > 16 then
    return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is not what this program writes')
  end
end
`

const reading = script(
  "sessions.read",
  `${common}
if not value then return false end
return { version, tostring(now + redis.call('PTTL', KEYS[1])), value }`
)

/** Arguments: the value, milliseconds, and the version that must be there or an empty text. */
const writing = script(
  "sessions.write",
  `${common}
if ARGV[3] ~= '' and ARGV[3] ~= version then return version end
local next = time[1] .. string.sub('000000' .. time[2], -6)
if #version >= #next and version >= next then
  next = string.format('%.0f', tonumber(version) + 1)
end
redis.call('SET', KEYS[1], next .. ' ' .. ARGV[1], 'PX', ARGV[2])
return { next, tostring(now + ARGV[2]) }`
)

/** Argument: the version that must be there, or an empty text. */
const removing = script(
  "sessions.remove",
  `${common}
if ARGV[1] ~= '' and ARGV[1] ~= version then return version end
return redis.call('DEL', KEYS[1])`
)
