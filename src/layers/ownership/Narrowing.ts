/**
 * The errors of other pods, narrowed to those that a call may fail with.
 */
import * as Effect from "effect/Effect"
import type { DeadLetterUnknown } from "../../domain/DeadLetter.ts"
import type { PayloadTooLarge } from "../../domain/Message.ts"
import type { SubscriptionUnknown } from "../../domain/Subscription.ts"
import type { BusClosed, Settled } from "../../services/MessageBus.ts"
import { LogUnavailable } from "../../services/MessageLog.ts"
import type { Refused } from "./Wire.ts"

/** What a pod should not have said here: told, and not taken for something else. */
export const unexpected = (error: { readonly message: string }): LogUnavailable =>
  new LogUnavailable({ reason: "Io", detail: error.message })

/** The errors of an ack. */
export const settled = <A>(
  effect: Effect.Effect<A, Refused>
): Effect.Effect<A, SubscriptionUnknown | LogUnavailable | BusClosed> =>
  Effect.mapError(effect, (error) => {
    switch (error._tag) {
      case "SubscriptionUnknown":
      case "LogUnavailable":
      case "BusClosed":
        return error
      default:
        return unexpected(error)
    }
  })

/** Leases that no pod could be asked for are unknown. */
export const extended = (
  ackIds: ReadonlyArray<string>,
  effect: Effect.Effect<Settled, Refused>
): Effect.Effect<Settled, SubscriptionUnknown | BusClosed> =>
  Effect.catch(effect, (error): Effect.Effect<Settled, SubscriptionUnknown | BusClosed> => {
    switch (error._tag) {
      case "SubscriptionUnknown":
      case "BusClosed":
        return Effect.fail(error)
      default:
        return Effect.succeed({ done: 0, unknown: ackIds })
    }
  })

/** The error of editing a dead letter. */
export const edited = (
  error: Refused
): DeadLetterUnknown | PayloadTooLarge | LogUnavailable | BusClosed =>
  error._tag === "DeadLetterUnknown" || error._tag === "PayloadTooLarge" ||
    error._tag === "BusClosed"
    ? error
    : unexpected(error)

/** The errors of what operators do. */
export const operated = <A>(
  effect: Effect.Effect<A, Refused>
): Effect.Effect<A, LogUnavailable | BusClosed> =>
  Effect.mapError(
    effect,
    (error) =>
      error._tag === "LogUnavailable" || error._tag === "BusClosed" ? error : unexpected(error)
  )
