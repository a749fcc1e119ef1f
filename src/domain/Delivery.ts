/**
 * Deliveries: one (message, subscription) pair each, and the decision about its end.
 *
 * The decision is a pure function from attempt, failure and policy; applying it is elsewhere.
 */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { errorLengthMax } from "./ErrorWords.ts"
import { fateOf, type Fates } from "./Fate.ts"
import { delayMs, type RetryPolicy } from "./RetryPolicy.ts"

/**
 * Why a delivery went to the dead letters. `OwnRowsFull`: it should have been parked, and there was
 * no room for its row.
 */
export const DeadLetterReason = Schema.Literals([
  "AttemptsExhausted",
  "ProcessLost",
  "Permanent",
  "OwnRowsFull"
])
/** A checked reason. */
export type DeadLetterReason = typeof DeadLetterReason.Type

/**
 * Why a delivery was parked: the fate of its error says so, or there was no room among the dead
 * letters of its subscription.
 */
export const ParkReason = Schema.Literals(["Fate", "DeadLettersFull"])
/** A checked reason. */
export type ParkReason = typeof ParkReason.Type

/** A failed attempt: the tag and text of its error, and whether trying again cannot help. */
export interface Failure {
  readonly tag: string | undefined
  readonly error: string
  readonly isPermanent: boolean
}

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
  /** Keep it aside, out of the way of its key, until somebody releases or drops it. */
  Park: { readonly reason: ParkReason; readonly error: string }
  /** End it; only a counter remembers it. `reason` is the tag of the error. */
  Drop: { readonly reason: string }
  /** Its time passed before it could be handed out. */
  Expire: {}
}>
/** Constructors and matchers of outcomes. */
export const Outcome = Data.taggedEnum<Outcome>()

/** What is decided about a failed attempt; `random` is 0 to 1. A fate goes before all else. */
export const afterFailure = (
  policy: RetryPolicy,
  fates: Fates,
  attempt: number,
  failure: Failure,
  random: number
): Outcome => {
  const error = failure.error.slice(0, errorLengthMax)
  const fate = fateOf(fates, failure.tag)
  if (fate === "park") return Outcome.Park({ reason: "Fate", error })
  if (fate === "drop") return Outcome.Drop({ reason: failure.tag ?? "" })
  return fate === "deadLetter" || (failure.isPermanent && fate === undefined)
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
