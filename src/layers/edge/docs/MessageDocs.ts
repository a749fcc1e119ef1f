/**
 * The description of publishing and of where messages are.
 */
import * as Schema from "effect/Schema"
import { ndjsonType } from "../BatchRoutes.ts"
import { ownerHeader } from "../PublishRoutes.ts"
import type { DocTable } from "./Documentation.ts"
import { Accepted, Batch, BatchItem, MessageIn, MessageOut, Replied, RequestIn } from "./Shapes.ts"

const refusedByBus = [
  "BusClosed",
  "ShardFull",
  "ShardPaused",
  "BacklogFull",
  "DelayedLimit",
  "HookRefused",
  "IdempotencyConflict",
  "IdempotencyInFlight",
  "KeysUnavailable",
  "TopicReserved",
  "MessageInvalid",
  "PayloadTooLarge",
  "LogUnavailable"
] as const

/** `/v1/topics/{topic}/messages` and `/v1/messages`. */
export const messageDocs: DocTable = {
  "POST /v1/topics/{topic}/messages": {
    group: "Publishing",
    summary: "Publish one message",
    details: "Accepted means stored as `durability` says. Refused means nothing was stored. Of " +
      `several pods, the header \`${ownerHeader}\` names the one that stored it.`,
    headers: {
      "Idempotency-Key": "Stands for the field `idempotencyKey`",
      traceparent: "Stands for the field of that name"
    },
    bodies: { "application/json": MessageIn },
    replies: { 202: { means: "Accepted", schema: Accepted } },
    problems: [...refusedByBus]
  },
  "POST /v1/topics/{topic}/requests": {
    group: "Publishing",
    summary: "Publish a message and wait for its reply",
    details: "The message is stored like any other, its reply is not.",
    headers: { traceparent: "Stands for the field of that name" },
    bodies: { "application/json": RequestIn },
    replies: { 200: { means: "The reply", schema: Replied } },
    problems: ["RequestTimeout", "RequestLimit", ...refusedByBus]
  },
  "POST /v1/messages": {
    group: "Publishing",
    summary: "Publish many messages",
    details: "Each message is accepted or refused by itself; results stand in the order of the " +
      "messages. When none is accepted, the reply is a problem with `results`.",
    bodies: {
      "application/json": Schema.Array(BatchItem),
      [ndjsonType]: BatchItem.annotate({ description: "One such message a line" })
    },
    replies: {
      202: { means: "All accepted", schema: Batch },
      207: { means: "Some accepted", schema: Batch }
    },
    problems: ["BatchEmpty", "BatchTooLarge", ...refusedByBus]
  },
  "GET /v1/messages/{id}": {
    group: "State",
    summary: "Show where a message is",
    replies: {
      200: {
        means: "The message and its deliveries",
        schema: Schema.Struct({
          message: MessageOut,
          shard: Schema.Int,
          state: Schema.Literals(["delayed", "stored"]),
          deliveries: Schema.Array(Schema.Struct({
            subscription: Schema.String,
            state: Schema.Literals([
              "pending",
              "inFlight",
              "waitingRetry",
              "parked",
              "settled",
              "deadLettered"
            ]),
            attempts: Schema.Int
          }))
        })
      }
    },
    problems: ["MessageUnknown", "LogUnavailable"]
  }
}
