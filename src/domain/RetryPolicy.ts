/**
 * Retry policy: how often a failing delivery is tried and how long it waits between.
 */
import * as Schema from "effect/Schema"

/**
 * `attemptsMax` counts the first try too. The wait before attempt n + 1 is
 * `baseMs * factor^(n - 1)`, at most `capMs`, spread by +- `jitter` (0 to 1).
 */
export const RetryPolicy = Schema.Struct({
  attemptsMax: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  baseMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  factor: Schema.Finite.check(Schema.isGreaterThan(0)),
  capMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  jitter: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
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
  Math.min(policy.capMs, policy.baseMs * policy.factor ** (attempt - 1)) *
  (1 - policy.jitter + 2 * policy.jitter * random)
