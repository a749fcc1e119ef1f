/**
 * Parked deliveries: kept aside until somebody releases or drops them.
 */
import type * as Effect from "effect/Effect"
import type { ParkReason } from "../domain/Delivery.ts"
import type { Message } from "../domain/Message.ts"
import type { SubscriptionName } from "../domain/Subscription.ts"
import type { BusClosed } from "./MessageBus.ts"
import type { LogUnavailable } from "./MessageLog.ts"

/** One parked delivery. `id` ascends for the life of the log; `parkedAt` is Unix milliseconds. */
export interface ParkedDelivery {
  readonly id: number
  readonly subscription: SubscriptionName
  readonly message: Message
  readonly reason: ParkReason
  readonly error: string
  readonly attempts: number
  readonly parkedAt: number
}

/** Which parked deliveries are meant; every condition given must hold. */
export interface ParkedFilter {
  readonly subscription?: string | undefined
  readonly topic?: string | undefined
  readonly ids?: ReadonlyArray<number> | undefined
  readonly reason?: ParkReason | undefined
}

/** What can be done about parked deliveries. */
export interface Parked {
  /** Those with an id above `after` that pass the filter, ascending, at most `limit`. */
  readonly list: (
    filter: ParkedFilter,
    after: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<ParkedDelivery>>
  /**
   * Delivers them again, behind what their lanes hold now and under new ids. Attempts count from 1:
   * whoever releases them has mended what made them fail, so the retries are theirs again.
   */
  readonly release: (
    filter: ParkedFilter
  ) => Effect.Effect<{ readonly released: number }, LogUnavailable | BusClosed>
  /** Ends them for good. */
  readonly drop: (
    filter: ParkedFilter
  ) => Effect.Effect<{ readonly dropped: number }, LogUnavailable | BusClosed>
}
