/**
 * Idempotency keys: which publishes are one message, told twice.
 *
 * A key counts within one topic and message key, for its time from the first acceptance; a look-up
 * does not prolong it. The same body under it is a repeat, another body a mistake of the publisher.
 */
import type { Draft } from "./Message.ts"

/** Life of a key in milliseconds. Source: guide, "Message deduplication" (3600 s). */
export const claimTtlMs = 3_600_000

/** Most keys in memory; beyond, the oldest are forgotten and counted. Source: design, P4. */
export const claimsMax = 1_000_000

/** Whether a key first accepted at `at` still counts at `now`, both Unix milliseconds. */
export const isClaimed = (at: number, now: number, ttlMs: number): boolean => now - at < ttlMs

/** What a key is scoped by. JSON, because keys may contain any character. */
export const scopeOf = (topic: string, key: string | undefined, idempotencyKey: string): string =>
  JSON.stringify([topic, key ?? null, idempotencyKey])

/**
 * The scope of a message whose content is its key. It has a part more than that of an explicit key,
 * so that nobody can take it by choosing a hash as a key.
 */
export const contentScopeOf = (
  topic: string,
  key: string | undefined,
  fingerprint: string
): string => JSON.stringify([topic, key ?? null, null, fingerprint])

/**
 * What makes bodies differ: priority, headers and payload. The head ends with a NUL, which JSON
 * text cannot contain, so no two bodies run together to the same text.
 */
export const bodyOf = (draft: Draft): readonly [head: string, payload: string] => [
  `${draft.priority}\0${draft.headers ?? ""}\0`,
  draft.payload
]
