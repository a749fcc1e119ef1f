/**
 * The deadline of a delivery: when it ends expired, by its message or by its subscription.
 */
import { enteredAt } from "../../domain/Message.ts"
import type { Pending } from "./Pending.ts"

/** When a delivery ends expired if it was not handed out by then (Unix ms), if it does. */
export const deadlineOf = ({ consumer, entry: { message } }: Pending): number | undefined => {
  const { maxAgeMs } = consumer.subscription.options
  if (maxAgeMs === undefined) return message.expiresAt
  return Math.min(enteredAt(message) + maxAgeMs, message.expiresAt ?? Number.POSITIVE_INFINITY)
}
