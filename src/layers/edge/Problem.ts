/**
 * The catalogue of problems: the one answer of every error and refusal (RFC 9457).
 *
 * A table from tag to problem, complete by its type: an error that a handler may end with and that
 * stands in no row does not compile. The `type` of a row never changes; clients branch on it.
 */
import * as Match from "effect/Match"
import type { DeadLetterUnknown } from "../../domain/DeadLetter.ts"
import type {
  SubscriptionBroadcast,
  SubscriptionConflict,
  SubscriptionHandled,
  SubscriptionLimit,
  SubscriptionUnknown
} from "../../domain/Subscription.ts"
import type { PublishError } from "../../services/MessageBus.ts"
import type { CountOutOfRange, ResizeRunning, ShardUnknown } from "../../services/Shards.ts"
import { quote, seconds } from "./Phrase.ts"
import type { Refusal } from "./Refusal.ts"

/** Everything a handler may end with. */
export type Answerable =
  | Refusal
  | PublishError
  | SubscriptionBroadcast
  | SubscriptionConflict
  | SubscriptionHandled
  | SubscriptionLimit
  | SubscriptionUnknown
  | DeadLetterUnknown
  | ShardUnknown
  | ResizeRunning
  | CountOutOfRange

/** A problem document and the headers that go with it. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly extension: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

/** The content type of problem documents. */
export const problemType = "application/problem+json"

/** Seconds after which a closed bus or log may be tried again: it recovers within 5 s (P9). */
export const unavailableRetrySeconds = 1

const busStates = { NotStarted: "not started", Closing: "closing", Closed: "closed" } as const
const logReasons = {
  Full: "no space is left",
  Io: "the device failed",
  ReadOnly: "the log is read-only",
  Closed: "the log is closed"
} as const

const none = {}
const retryAfter = (value: number) => ({ "retry-after": String(value) })

/** A row: status, last part of the type, title; then what belongs to one occurrence. */
const row = (status: number, name: string, title: string) =>
(
  detail: string,
  extension: Readonly<Record<string, unknown>> = none,
  headers: Readonly<Record<string, string>> = none
): Problem => ({ type: `/problems/${name}`, title, status, detail, extension, headers })

const rows = {
  RouteUnknown: row(404, "not-found", "Not found"),
  MethodRefused: row(405, "method-not-allowed", "Method not allowed"),
  PathMalformed: row(400, "path-malformed", "Malformed path"),
  HostRefused: row(403, "host-refused", "Unknown host"),
  OriginRefused: row(403, "origin-refused", "Foreign origin"),
  ContentTypeRefused: row(415, "content-type-refused", "Unsupported content type"),
  EncodingRefused: row(415, "content-encoding-refused", "Unsupported content encoding"),
  BodyTooLarge: row(413, "body-too-large", "Body too large"),
  BodyMalformed: row(400, "body-malformed", "Malformed body"),
  DepthExceeded: row(400, "too-deep", "Nested too deep"),
  FieldsInvalid: row(400, "fields-invalid", "Invalid fields"),
  FeatureUnsupported: row(400, "unsupported-feature", "Unsupported feature"),
  BatchEmpty: row(400, "batch-empty", "Empty batch"),
  BatchTooLarge: row(413, "batch-too-large", "Too many messages"),
  MessageUnknown: row(404, "message-unknown", "Unknown message"),
  HttpMalformed: row(400, "http-malformed", "Malformed request"),
  HeadTooLarge: row(431, "head-too-large", "Request head too large"),
  RequestTooSlow: row(408, "request-too-slow", "Request too slow"),
  ExpectationRefused: row(417, "expectation-refused", "Unknown expectation"),
  EdgeBusy: row(503, "edge-busy", "Too many large requests"),
  EdgeClosing: row(503, "edge-closing", "Server closing"),
  BusClosed: row(503, "bus-closed", "Bus not running"),
  ShardFull: row(429, "shard-full", "Shard full"),
  ShardPaused: row(429, "shard-paused", "Shard paused"),
  ShardUnknown: row(404, "shard-unknown", "Unknown shard"),
  ResizeRunning: row(409, "resize-running", "Shards being changed"),
  CountOutOfRange: row(400, "count-out-of-range", "Not that many"),
  IdempotencyConflict: row(422, "idempotency-conflict", "Idempotency key used for another body"),
  IdempotencyInFlight: row(409, "idempotency-in-flight", "Idempotency key in use"),
  TopicReserved: row(403, "topic-reserved", "Reserved topic"),
  MessageInvalid: row(400, "message-invalid", "Invalid message"),
  PayloadTooLarge: row(413, "payload-too-large", "Payload too large"),
  HookRefused: row(422, "hook-refused", "Refused by a hook"),
  LogUnavailable: row(503, "log-unavailable", "Log unavailable"),
  SubscriptionBroadcast: row(409, "subscription-broadcast", "Broadcast subscription"),
  SubscriptionConflict: row(409, "subscription-conflict", "Subscription exists otherwise"),
  SubscriptionHandled: row(409, "subscription-handled", "Subscription handled in process"),
  SubscriptionLimit: row(409, "subscription-limit", "Too many subscriptions"),
  SubscriptionUnknown: row(404, "subscription-unknown", "Unknown subscription"),
  DeadLetterUnknown: row(404, "dead-letter-unknown", "Unknown dead letter")
} satisfies Record<Answerable["_tag"], ReturnType<typeof row>>

/** None of a batch was accepted; the status is the one most of its items were refused with. */
export const batchRefused = (status: number, detail: string, retrySeconds: number): Problem =>
  row(status, "batch-refused", "No message accepted")(
    detail,
    none,
    retrySeconds > 0 ? retryAfter(retrySeconds) : none
  )

/** A bug: what happened is in the server's log, not in the answer. */
export const internal: Problem = row(500, "internal", "Internal error")(
  "the server made a mistake; it is in its log"
)

const unavailable = retryAfter(unavailableRetrySeconds)

/** The problem of an error or refusal. */
export const problemOf: (error: Answerable) => Problem = Match.typeTags<Answerable, Problem>()({
  RouteUnknown: ({ path }) => rows.RouteUnknown(`nothing is at ${quote(path)}`),
  MethodRefused: ({ allow, method }) =>
    rows.MethodRefused(`${quote(method)} is not one of ${allow}`, none, { allow }),
  PathMalformed: ({ path }) =>
    rows.PathMalformed(`${quote(path)} is not percent-encoded UTF-8 text`),
  HostRefused: ({ host }) =>
    rows.HostRefused(`this server is not called ${quote(host)}; address it as it is configured`),
  OriginRefused: ({ origin }) =>
    rows.OriginRefused(`pages of ${quote(origin)} may not send requests here`),
  ContentTypeRefused: ({ expected, found }) =>
    rows.ContentTypeRefused(`expected ${expected.join(" or ")}, found ${quote(found)}`),
  EncodingRefused: ({ encoding }) =>
    rows.EncodingRefused(`send the body as it is, not encoded as ${quote(encoding)}`),
  BodyTooLarge: ({ limitBytes }) =>
    rows.BodyTooLarge(`the body has more than ${limitBytes} bytes`, { limitBytes }),
  BodyMalformed: ({ reason }) => rows.BodyMalformed(reason),
  DepthExceeded: ({ limit }) =>
    rows.DepthExceeded(`arrays and objects are nested deeper than ${limit}`, { limit }),
  FieldsInvalid: ({ errors }) =>
    rows.FieldsInvalid(errors.map(({ field, reason }) => `${field}: ${reason}`).join("; "), {
      errors
    }),
  FeatureUnsupported: ({ field }) =>
    rows.FeatureUnsupported(`this version does not have ${field}`, {
      errors: [{ field, reason: "not in this version" }]
    }),
  BatchEmpty: () => rows.BatchEmpty("send at least one message"),
  BatchTooLarge: ({ limit }) =>
    rows.BatchTooLarge(`the batch has more than ${limit} messages`, { limit }),
  MessageUnknown: ({ id }) => rows.MessageUnknown(`no retained message has the id ${quote(id)}`),
  HttpMalformed: ({ reason }) => rows.HttpMalformed(`not HTTP/1.1: ${reason}`),
  HeadTooLarge: ({ limitBytes }) =>
    rows.HeadTooLarge(`the request line and headers have more than ${limitBytes} bytes`, {
      limitBytes
    }),
  RequestTooSlow: ({ limitMs }) =>
    rows.RequestTooSlow(`the request did not arrive within ${limitMs} ms`, { limitMs }),
  ExpectationRefused: ({ expectation }) =>
    rows.ExpectationRefused(`${quote(expectation)} is not 100-continue`),
  EdgeBusy: ({ limitBytes }) =>
    rows.EdgeBusy(
      `request bodies of more than ${limitBytes} bytes arrive at once; try again`,
      { limitBytes },
      unavailable
    ),
  EdgeClosing: () => rows.EdgeClosing("the server is closing; try again", none, unavailable),
  BusClosed: ({ state }) =>
    rows.BusClosed(`the bus is ${busStates[state]}; try again`, none, unavailable),
  ShardFull: ({ retryAfterMs, shard }) =>
    rows.ShardFull(
      `shard ${shard} is full; try again after ${retryAfterMs} ms`,
      { shard, retryAfterMs },
      retryAfter(seconds(retryAfterMs))
    ),
  ShardPaused: ({ message, retryAfterMs, shard }) =>
    rows.ShardPaused(message, { shard, retryAfterMs }, retryAfter(seconds(retryAfterMs))),
  ShardUnknown: ({ id }) => rows.ShardUnknown(`there is no shard ${quote(id)}`),
  ResizeRunning: ({ message }) => rows.ResizeRunning(message, none, unavailable),
  CountOutOfRange: ({ message }) => rows.CountOutOfRange(message),
  IdempotencyConflict: ({ firstId, idempotencyKey }) =>
    rows.IdempotencyConflict(
      `the key ${quote(idempotencyKey)} was used for another body; use a new key`,
      { firstId }
    ),
  IdempotencyInFlight: ({ idempotencyKey }) =>
    rows.IdempotencyInFlight(
      `a publish under the key ${quote(idempotencyKey)} is still running; try again`,
      none,
      unavailable
    ),
  TopicReserved: ({ topic }) =>
    rows.TopicReserved(`${quote(topic)} belongs to the bus; use another first segment`),
  MessageInvalid: ({ field, reason }) =>
    rows.MessageInvalid(`${field}: ${reason}`, { errors: [{ field, reason }] }),
  PayloadTooLarge: ({ field, limitBytes, sizeBytes }) =>
    rows.PayloadTooLarge(`${field} has ${sizeBytes} bytes, the limit is ${limitBytes}`, {
      errors: [{ field, reason: `at most ${limitBytes} bytes of JSON text` }],
      sizeBytes,
      limitBytes
    }),
  HookRefused: ({ hook, reason }) =>
    rows.HookRefused(`${quote(hook)} refused the message: ${quote(reason)}`, { hook }),
  LogUnavailable: ({ detail, reason }) =>
    rows.LogUnavailable(`${logReasons[reason]}: ${detail}`, { reason }, unavailable),
  SubscriptionBroadcast: ({ name }) =>
    rows.SubscriptionBroadcast(`${quote(name)} is a broadcast: read its events, it has no pulls`),
  SubscriptionConflict: ({ field, name }) =>
    rows.SubscriptionConflict(
      `the subscription ${quote(name)} exists with another ${field}; delete it or use its options`,
      { errors: [{ field, reason: "differs from the existing subscription" }] }
    ),
  SubscriptionHandled: ({ name }) =>
    rows.SubscriptionHandled(`a handler in the process runs ${quote(name)}; it cannot be pulled`),
  SubscriptionLimit: ({ limit }) =>
    rows.SubscriptionLimit(`there are ${limit} subscriptions; delete unused ones`, { limit }),
  SubscriptionUnknown: ({ name }) =>
    rows.SubscriptionUnknown(`no subscription is called ${quote(name)}; create it first`),
  DeadLetterUnknown: ({ id }) =>
    rows.DeadLetterUnknown(`no dead letter has the id ${quote(id)}: replayed, deleted or never was`)
})
