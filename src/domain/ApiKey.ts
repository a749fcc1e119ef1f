/**
 * API keys: who may do what over HTTP, and with which topics.
 */
import * as Schema from "effect/Schema"
import { covers, matcher, TopicPattern } from "./TopicPattern.ts"

/** What a key may allow, besides being known at all. */
export const actions = ["publish", "consume", "replay", "lock", "session", "admin"] as const
/**
 * One of them: publish, consume subscriptions, handle dead letters, hold locks, keep sessions, run
 * the bus.
 */
export type Action = (typeof actions)[number]

/** Most keys of a server. Source: design, section 9, "Limits beside those above". */
export const keysMax = 10_000

const idShape = /^[A-Za-z0-9_-]{1,64}$/

/** The public half of a key: it is logged, and names the client to the rate limit. */
export const KeyId = Schema.String.check(
  Schema.isPattern(idShape, { message: "expected 1 to 64 letters, digits, '_' or '-'" })
)

/** One key as it is kept; its secret is known by its hash only. */
export const ApiKey = Schema.Struct({
  id: KeyId,
  sha256: Schema.String.check(
    Schema.isPattern(/^[0-9a-f]{64}$/, {
      message: "expected the SHA-256 of the secret as 64 lower-case hexadecimal digits"
    })
  ),
  actions: Schema.NonEmptyArray(Schema.Literals(actions)),
  topics: Schema.NonEmptyArray(TopicPattern),
  /** Publish requests per window instead of the server's own limit; 0 is no limit. */
  maxRequests: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))
  )
})
/** A checked key. */
export type ApiKey = typeof ApiKey.Type

/** What a key allows. */
export interface Grant {
  readonly id: string
  readonly maxRequests: number | undefined
  readonly allows: (action: Action) => boolean
  /** Whether it reaches a topic. */
  readonly reaches: (topic: string) => boolean
  /**
   * Whether it reaches every topic of a pattern. One of its own patterns has to cover all of them:
   * that several together would is not looked for.
   */
  readonly covers: (pattern: TopicPattern) => boolean
}

/** The grant of a key. */
export const grantOf = ({ actions, id, maxRequests, topics }: ApiKey): Grant => {
  const allowed = new Set<Action>(actions)
  const matchers = topics.map(matcher)
  return {
    id,
    maxRequests,
    allows: (action) => allowed.has(action),
    reaches: (topic) => matchers.some((matches) => matches(topic)),
    covers: (pattern) => topics.some((own) => covers(own, pattern))
  }
}

/** A credential in its two halves; `undefined` when it is none. */
export const credentialParts = (
  credential: string
): { readonly id: string; readonly secret: string } | undefined => {
  const dot = credential.indexOf(".")
  const id = credential.slice(0, Math.max(0, dot))
  const secret = credential.slice(dot + 1)
  return idShape.test(id) && secret.length > 0 && secret.length <= secretLengthMax
    ? { id, secret }
    : undefined
}

/** Longest secret that is hashed, in characters; `codefactory key` makes 43. */
export const secretLengthMax = 256
