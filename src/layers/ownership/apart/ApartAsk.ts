/**
 * What pods ask each other that each have a log of their own.
 */
import type { DeadLetterFilter } from "../../../domain/DeadLetter.ts"
import type { SubscriptionName, SubscriptionOptions } from "../../../domain/Subscription.ts"
import type { Ask } from "../Wire.ts"

/** Of what pods of a shared log ask, what does not depend on that. */
type Common = Extract<Ask, {
  readonly kind:
    | "pull"
    | "wait"
    | "ack"
    | "nack"
    | "extend"
    | "status"
    | "reply"
    | "snapshot"
    | "replay"
    | "edit"
    | "deleteLetters"
    | "parked"
    | "release"
    | "drop"
}>

/** A request to a pod that has a log of its own; rows have the numbers of `GlobalNumbers.ts`. */
export type ApartAsk =
  | Common
  /** Creates a subscription there as well, or ends it. */
  | {
    readonly kind: "subscribe"
    readonly name: SubscriptionName
    readonly options: SubscriptionOptions
  }
  | { readonly kind: "unsubscribe"; readonly name: string }
  /** Something in that pod listens to what is published anywhere, from now on. */
  | { readonly kind: "listen"; readonly pod: string }
  | {
    readonly kind: "letters"
    readonly filter: DeadLetterFilter
    readonly after: number
    readonly limit: number
  }
