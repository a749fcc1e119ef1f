/**
 * The description of subscriptions and of consuming them.
 */
import * as Schema from "effect/Schema"
import { SubscriptionOptions } from "../../../domain/Subscription.ts"
import { decodeQuery } from "../EventRoutes.ts"
import { decodeAck, decodeExtend, decodeNack, decodePull } from "../PullRoutes.ts"
import { decodeOptions } from "../SubscriptionRoutes.ts"
import type { DocTable } from "./Documentation.ts"
import { Count, Deliveries, Settled } from "./Shapes.ts"

const Subscription = Schema.Struct({
  name: Schema.String,
  ...SubscriptionOptions.fields,
  pending: Count,
  parked: Count,
  inFlight: Count,
  acked: Count,
  deadLettered: Count,
  deadLetters: Count
})

const one = { means: "The subscription and its counters", schema: Subscription }
const json = "application/json"
const stored = ["BusClosed", "LogUnavailable"] as const
const leases = ["SubscriptionUnknown", ...stored] as const
const settled = { 200: { means: "What took effect", schema: Settled } }

/** `/v1/subscriptions` and what consumers do under it. */
export const subscriptionDocs: DocTable = {
  "GET /v1/subscriptions": {
    group: "Subscriptions",
    summary: "List subscriptions",
    details: "With a key: those whose topics it reaches.",
    replies: {
      200: {
        means: "By name",
        schema: Schema.Struct({ subscriptions: Schema.Array(Subscription) })
      }
    }
  },
  "PUT /v1/subscriptions/{name}": {
    group: "Subscriptions",
    summary: "Create or change a subscription",
    details: "Each subscription gets every matching message once; its consumers compete. Only " +
      "`maxAttempts` and `ackTimeoutMs` may change later.",
    bodies: { [json]: decodeOptions.schema },
    replies: { 200: { ...one, means: "It was there, or was changed" }, 201: one },
    problems: ["PatternReserved", "SubscriptionConflict", "SubscriptionLimit", ...stored]
  },
  "GET /v1/subscriptions/{name}": {
    group: "Subscriptions",
    summary: "Show a subscription",
    replies: { 200: one },
    problems: ["SubscriptionUnknown"]
  },
  "DELETE /v1/subscriptions/{name}": {
    group: "Subscriptions",
    summary: "Delete a subscription",
    details: "Its pending deliveries and dead letters are discarded.",
    replies: { 204: { means: "Deleted" } },
    problems: [...leases]
  },
  "POST /v1/subscriptions/{name}/pull": {
    group: "Consuming",
    summary: "Lease deliveries",
    details: "Waits up to `waitMs` for the first one. What is not acknowledged before its lease " +
      "ends comes again.",
    bodies: { [json]: decodePull.schema },
    replies: { 200: { means: "Deliveries, possibly none", schema: Deliveries } },
    problems: ["SubscriptionHandled", "SubscriptionBroadcast", ...leases]
  },
  "POST /v1/subscriptions/{name}/ack": {
    group: "Consuming",
    summary: "Acknowledge deliveries",
    bodies: { [json]: decodeAck.schema },
    replies: settled,
    problems: [...leases]
  },
  "POST /v1/subscriptions/{name}/nack": {
    group: "Consuming",
    summary: "Give deliveries back as failed",
    bodies: { [json]: decodeNack.schema },
    replies: settled,
    problems: [...leases]
  },
  "POST /v1/subscriptions/{name}/extend": {
    group: "Consuming",
    summary: "Let leases run longer",
    bodies: { [json]: decodeExtend.schema },
    replies: settled,
    problems: ["SubscriptionUnknown", "BusClosed"]
  },
  "GET /v1/subscriptions/{name}/events": {
    group: "Consuming",
    summary: "Follow messages as server-sent events",
    details: "Every connection sees every match; nothing is leased or settled. `event: message` " +
      "has a message as its data, `event: gap` tells of loss: `{reason, missed}`. `id` is an " +
      "opaque position, from which `Last-Event-ID` resumes.",
    query: decodeQuery.schema,
    headers: { "Last-Event-ID": "Goes on after this position" },
    replies: {
      200: {
        means: "A stream that does not end by itself",
        schema: Schema.String,
        contentType: "text/event-stream"
      }
    },
    problems: ["SubscriptionUnknown", "PositionInvalid", "TailLimit", "BusClosed"]
  }
}
