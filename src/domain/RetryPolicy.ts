/**
 * Retry policy: how often a failing delivery is tried and how long it waits between.
 */
import * as Schema from "effect/Schema"

/** Most waits that are listed one by one: no more attempts are allowed either. */
export const delaysMax = 1_000

/** Longest of them: 30 days. */
export const delayMsMax = 30 * 86_400_000

/**
 * `attemptsMax` counts the first try too. The wait before attempt n + 1 is
 * `baseMs * factor^(n - 1)`, at most `capMs`, spread by +- `jitter` (0 to 1).
 */
export const RetryPolicy = Schema.Struct({
  attemptsMax: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  baseMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  factor: Schema.Finite.check(Schema.isGreaterThan(0)),
  capMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  jitter: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** Goes before base, factor and cap: the waits one by one, the last for all that follow. */
  delaysMs: Schema.optionalKey(
    Schema.Array(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: delayMsMax })))
      .check(Schema.isMinLength(1), Schema.isMaxLength(delaysMax))
  )
})
/** A checked policy. */
export type RetryPolicy = typeof RetryPolicy.Type

/** 4 attempts, 10, 20 and 40 ms apart, +- 20 %. Source: guide, "Retry Logic" (3 retries, 0.01). */
export const retryDefault: RetryPolicy = {
  attemptsMax: 4,
  baseMs: 10,
  factor: 2,
  capMs: 60_000,
  jitter: 0.2
}

/** The wait in milliseconds after failed attempt `attempt` (from 1); `random` is 0 to 1. */
export const delayMs = (policy: RetryPolicy, attempt: number, random: number): number =>
  middleMs(policy, attempt) * (1 - policy.jitter + 2 * policy.jitter * random)

const middleMs = (
  { baseMs, capMs, delaysMs, factor }: RetryPolicy,
  attempt: number
): number =>
  delaysMs?.[Math.min(attempt, delaysMs.length) - 1] ??
    Math.min(capMs, baseMs * factor ** (attempt - 1))
