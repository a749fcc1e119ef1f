/**
 * Reasons: why a handler of an agent could not be attached, in one line with the remedy.
 */
import type { HandleError } from "../../services/CodeFactory.ts"

/** Longest reason, in characters; the errors of modules may hold their whole source. */
const reasonLengthMax = 400

/** One line of a text, fit for the log and for probes. */
export const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return line.length > reasonLengthMax ? `${line.slice(0, reasonLengthMax)}...` : line
}

/** Why the handler of `subscription` cannot serve. */
export const whyUnattached = (subscription: string, error: HandleError): string => {
  switch (error._tag) {
    case "SubscriptionConflict":
      return `the subscription ${subscription} exists with another ${error.field}, which never ` +
        "changes; delete the subscription, or give the handler another name"
    case "SubscriptionHandled":
      return `the subscription ${subscription} has a handler already; give this one another name`
    case "SubscriptionLimit":
      return `there are ${error.limit} subscriptions already, the most there may be; delete some`
    case "PatternReserved":
      return `${error.pattern} is reserved for the bus itself; use mode "broadcast"`
    case "MessageInvalid":
      return `illegal ${error.field} of ${subscription}: ${error.reason}`
    default:
      return `the subscription ${subscription} cannot be attached: ${error.message || error._tag}`
  }
}
