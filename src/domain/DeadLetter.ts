/**
 * Dead letters: deliveries that failed for good, kept per subscription with a full copy.
 */
import * as Schema from "effect/Schema"
import type { DeadLetterReason } from "./Delivery.ts"
import type { Message } from "./Message.ts"
import type { SubscriptionName } from "./Subscription.ts"

/** Most dead letters of one subscription. Source: design, section 5, "Dead letters". */
export const deadLettersMax = 100_000

/** One dead letter. `id` ascends for the life of the log; `failedAt` is Unix milliseconds. */
export interface DeadLetter {
  readonly id: number
  readonly subscription: SubscriptionName
  readonly incarnation: number
  readonly message: Message
  readonly reason: DeadLetterReason
  readonly error: string
  readonly attempts: number
  readonly failedAt: number
}

/** Which dead letters are meant; every condition given must hold. Ages are milliseconds. */
export interface DeadLetterFilter {
  readonly topic?: string | undefined
  readonly subscription?: string | undefined
  readonly ids?: ReadonlyArray<number> | undefined
  /** Only those that failed at or after this time (Unix milliseconds). */
  readonly failedSince?: number | undefined
}

/** No dead letter with that id: it was replayed, deleted, or never was. */
export class DeadLetterUnknown extends Schema.TaggedError<DeadLetterUnknown>()(
  "DeadLetterUnknown",
  { id: Schema.String }
) {}
