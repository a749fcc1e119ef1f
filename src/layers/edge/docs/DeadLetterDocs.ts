/**
 * The description of dead letters and parked deliveries.
 */
import * as Schema from "effect/Schema"
import { decodeFilter, decodePage, decodeReplay } from "../DeadLetterRoutes.ts"
import * as ParkedRoutes from "../ParkedRoutes.ts"
import type { DocTable } from "./Documentation.ts"
import { Count, DeadLetterOut, next, ParkedOut } from "./Shapes.ts"

const json = "application/json"
const group = "Dead letters"
const stored = ["BusClosed", "LogUnavailable"] as const
const one = { 200: { means: "The dead letter", schema: DeadLetterOut } }
const named = "A key that does not reach all topics has to name a topic or a subscription."

/** `/v1/dead-letters` and `/v1/subscriptions/{name}/parked`. */
export const deadLetterDocs: DocTable = {
  "GET /v1/dead-letters": {
    group,
    summary: "List dead letters",
    details: named,
    query: decodePage.schema,
    replies: {
      200: {
        means: "A page, ascending by id",
        schema: Schema.Struct({ deadLetters: Schema.Array(DeadLetterOut), ...next })
      }
    },
    problems: ["LogUnavailable"]
  },
  "DELETE /v1/dead-letters": {
    group,
    summary: "Delete dead letters for good",
    details: named,
    query: decodeFilter.schema,
    replies: { 200: { means: "How many", schema: Schema.Struct({ deleted: Count }) } },
    problems: [...stored]
  },
  "POST /v1/dead-letters/replay": {
    group,
    summary: "Deliver dead letters again",
    details: `To their own subscription, with attempts counted from 1. ${named}`,
    bodies: { [json]: decodeReplay.schema },
    replies: {
      200: {
        means: "What was done, or in a dry run would be",
        schema: Schema.Struct({ replayed: Count, failed: Count, remaining: Count })
      }
    },
    problems: [...stored]
  },
  "GET /v1/dead-letters/{id}": {
    group,
    summary: "Show a dead letter",
    replies: one,
    problems: ["DeadLetterUnknown", "LogUnavailable"]
  },
  "PATCH /v1/dead-letters/{id}": {
    group,
    summary: "Give a dead letter another payload",
    details: "A replay then delivers that, under a new id.",
    bodies: { [json]: Schema.Struct({ payload: Schema.Unknown }) },
    replies: one,
    problems: ["DeadLetterUnknown", "PayloadTooLarge", ...stored]
  },
  "DELETE /v1/dead-letters/{id}": {
    group,
    summary: "Delete a dead letter",
    replies: { 204: { means: "Deleted" } },
    problems: ["DeadLetterUnknown", ...stored]
  },
  "GET /v1/subscriptions/{name}/parked": {
    group,
    summary: "List parked deliveries",
    query: ParkedRoutes.decodePage.schema,
    replies: {
      200: {
        means: "A page, ascending by id",
        schema: Schema.Struct({ parked: Schema.Array(ParkedOut), ...next })
      }
    },
    problems: ["SubscriptionUnknown"]
  },
  "DELETE /v1/subscriptions/{name}/parked": {
    group,
    summary: "Drop parked deliveries for good",
    query: ParkedRoutes.decodeDrop.schema,
    replies: { 200: { means: "How many", schema: Schema.Struct({ dropped: Count }) } },
    problems: ["SubscriptionUnknown", ...stored]
  },
  "POST /v1/subscriptions/{name}/parked/release": {
    group,
    summary: "Deliver parked deliveries again",
    details: "Without `ids` all of the subscription.",
    bodies: { [json]: ParkedRoutes.decodeRelease.schema },
    replies: { 200: { means: "How many", schema: Schema.Struct({ released: Count }) } },
    problems: ["SubscriptionUnknown", ...stored]
  }
}
