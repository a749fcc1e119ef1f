/**
 * Deliveries: one (message, subscription) pair each, and the decision about its end.
 *
 * The decision is a pure function from attempt, failure and policy; applying it is elsewhere.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { delayMs, type RetryPolicy } from "./RetryPolicy.ts"

/** Why a delivery went to the dead letters. */
export const DeadLetterReason = Schema.Literals([
  "AttemptsExhausted",
  "ProcessLost",
  "Permanent"
])
/** A checked reason. */
export type DeadLetterReason = typeof DeadLetterReason.Type

/**
 * A handler fails with this when trying again cannot help: the delivery goes to the dead letters at
 * once. Source: guide, "Dead Letter Queue" (permanent failure).
 */
export class PermanentFailure extends Schema.TaggedError<PermanentFailure>()("PermanentFailure", {
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

/** What is done about a delivery next. Durations are milliseconds. */
export type Outcome = Data.TaggedEnum<{
  /** Done: the handler succeeded or the consumer acknowledged. */
  Ack: {}
  /** Try again after a wait. */
  Redeliver: { readonly afterMs: number }
  /** Keep it among the dead letters of its subscription. */
  DeadLetter: { readonly reason: DeadLetterReason; readonly error: string }
  /** Its time passed before it could be handed out. */
  Expire: {}
}>
/** Constructors and matchers of outcomes. */
export const Outcome = Data.taggedEnum<Outcome>()

/** Longest error text kept with a dead letter, in characters. */
export const errorLengthMax = 4_096

/** What is decided about a failed attempt; `random` is 0 to 1. */
export const afterFailure = (
  policy: RetryPolicy,
  attempt: number,
  failure: { readonly error: string; readonly isPermanent: boolean },
  random: number
): Outcome => {
  const error = failure.error.slice(0, errorLengthMax)
  return failure.isPermanent
    ? Outcome.DeadLetter({ reason: "Permanent", error })
    : attempt >= policy.attemptsMax
    ? Outcome.DeadLetter({ reason: "AttemptsExhausted", error })
    : Outcome.Redeliver({ afterMs: delayMs(policy, attempt, random) })
}

/**
 * What is decided before an attempt: `undefined` lets it run.
 *
 * `attempt` is the one about to start. More than the policy allows means that the process ended
 * during the last one, which nobody saw fail.
 */
export const beforeAttempt = (
  policy: RetryPolicy,
  attempt: number,
  expiresAt: number | undefined,
  now: number
): Outcome | undefined =>
  expiresAt !== undefined && expiresAt <= now
    ? Outcome.Expire()
    : attempt > policy.attemptsMax
    ? Outcome.DeadLetter({
      reason: "ProcessLost",
      error: "the process ended during the last attempt"
    })
    : undefined
