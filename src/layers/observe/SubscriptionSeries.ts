/**
 * The series of subscriptions: their counters, which obey the conservation law at every scrape
 * (`matched + unread + replayed = acked + dead_lettered + expired + dropped + pending`).
 */
import type { Snapshot, SubscriptionSnapshot } from "../../domain/Snapshot.ts"
import type { Series } from "./Samples.ts"

const each = (read: (subscription: SubscriptionSnapshot) => number) => (snapshot: Snapshot) =>
  snapshot.subscriptions.map((subscription) => ({
    labels: { subscription: subscription.name },
    value: read(subscription)
  }))

const counter = (
  name: string,
  help: string,
  read: (subscription: SubscriptionSnapshot) => number
): Series => ({
  name: `message_bus_subscription_${name}_total`,
  help,
  type: "counter",
  read: each(read)
})

const gauge = (
  name: string,
  help: string,
  read: (subscription: SubscriptionSnapshot) => number
): Series => ({ name: `message_bus_subscription_${name}`, help, type: "gauge", read: each(read) })

/** By `subscription`; names are bounded by the limit of subscriptions. */
export const subscriptionSeries: ReadonlyArray<Series> = [
  counter("matched", "Messages accepted for it", ({ matched }) => matched),
  counter("replayed", "Dead letters given back to it", ({ replayed }) => replayed),
  counter("acked", "Deliveries that succeeded", ({ acked }) => acked),
  counter("dead_lettered", "Deliveries that failed for good", ({ deadLettered }) => deadLettered),
  counter("expired", "Deliveries whose time had passed", ({ expired }) => expired),
  counter("dropped", "Deliveries ended by a fate, an operator or damage", ({ dropped }) => dropped),
  counter("redelivered", "Hand-outs beyond the first", ({ redelivered }) => redelivered),
  counter("filter_errors", "Messages whose filter threw", ({ filterErrors }) => filterErrors),
  counter("spills", "Times it fell behind and went on from the log", ({ spills }) => spills),
  gauge("live", "1 unless it reads from the log", ({ mode }) => mode === "live" ? 1 : 0),
  gauge("pending", "Deliveries not settled", ({ pending }) => pending),
  gauge("unread", "Matches only the log holds, of those pending", ({ unread }) => unread),
  gauge("parked", "Deliveries kept aside, of those pending", ({ parked }) => parked),
  gauge("in_flight", "Deliveries handed out", ({ inFlight }) => inFlight),
  gauge("dead_letters", "Dead letters kept", ({ deadLetters }) => deadLetters)
]
