/**
 * The catalogue of problems: the one answer of every error and refusal (RFC 9457).
 *
 * What all occurrences of a kind share stands in `ProblemRows.ts`, what one says of itself here.
 */
import * as Match from "effect/Match"
import type { Answerable } from "./Answerable.ts"
import { quote, seconds } from "./Phrase.ts"
import { type Problem, row, rows } from "./ProblemRows.ts"

/** Seconds after which a closed bus or log may be tried again: it recovers within 5 s (P9). */
export const unavailableRetrySeconds = 1

const busStates = { NotStarted: "not started", Closing: "closing", Closed: "closed" } as const
const logReasons = {
  Full: "no space is left",
  Io: "the device failed",
  ReadOnly: "the log is read-only",
  Closed: "the log is closed",
  Fenced: "another process has taken over the log"
} as const

const none = {}
const retryAfter = (value: number) => ({ "retry-after": String(value) })

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
  BatchEmpty: () => rows.BatchEmpty("send at least one message"),
  BatchTooLarge: ({ limit }) =>
    rows.BatchTooLarge(`the batch has more than ${limit} messages`, { limit }),
  MessageUnknown: ({ id }) => rows.MessageUnknown(`no retained message has the id ${quote(id)}`),
  HttpMalformed: ({ reason }) => rows.HttpMalformed(`not HTTP/1.1: ${reason}`),
  HeadTooLarge: ({ limitBytes }) =>
    rows.HeadTooLarge(`the request line and headers have more than ${limitBytes} bytes`, {
      limitBytes
    }),
  HeadersExceeded: ({ limit }) =>
    rows.HeadersExceeded(`the request has more than ${limit} headers`, { limit }),
  PipelineFull: ({ limit }) =>
    rows.PipelineFull(
      `${limit} requests of this connection are under way; wait for their replies`,
      { limit },
      unavailable
    ),
  RequestTooSlow: ({ limitMs }) =>
    rows.RequestTooSlow(`the request did not arrive within ${limitMs} ms`, { limitMs }),
  ExpectationRefused: ({ expectation }) =>
    rows.ExpectationRefused(`${quote(expectation)} is not 100-continue`),
  CredentialMissing: () =>
    rows.CredentialMissing("send a key: Authorization: Bearer <id>.<secret>", none, {
      "www-authenticate": "Bearer realm=\"codefactory\""
    }),
  CredentialInvalid: () =>
    rows.CredentialInvalid("no key has this id and secret", none, {
      "www-authenticate": "Bearer realm=\"codefactory\", error=\"invalid_token\""
    }),
  CredentialsThrottled: ({ retryAfterMs }) =>
    rows.CredentialsThrottled(
      "too many invalid credentials wait for their answer; correct the key",
      { retryAfterMs },
      { ...retryAfter(seconds(retryAfterMs)), connection: "close" }
    ),
  Forbidden: ({ action, id, topic }) =>
    rows.Forbidden(
      topic === undefined
        ? `the key ${id} does not allow the action ${action}`
        : `the key ${id} does not allow the action ${action} on ${quote(topic)}`,
      topic === undefined ? { action } : { action, topic }
    ),
  RateLimited: ({ client, limit, retryAfterMs, windowSeconds }) =>
    rows.RateLimited(
      `${client} has sent its ${limit} publish requests of ${windowSeconds} s; ` +
        `try again after ${seconds(retryAfterMs)} s`,
      { client, limit, windowSeconds, retryAfterMs },
      retryAfter(seconds(retryAfterMs))
    ),
  EdgeBusy: ({ limitBytes }) =>
    rows.EdgeBusy(
      `request bodies of more than ${limitBytes} bytes arrive at once; try again`,
      { limitBytes },
      unavailable
    ),
  EdgeClosing: () => rows.EdgeClosing("the server is closing; try again", none, unavailable),
  BusClosed: ({ state }) =>
    rows.BusClosed(`the bus is ${busStates[state]}; try again`, none, unavailable),
  BacklogFull: ({ bytes, limitBytes, retryAfterMs }) =>
    rows.BacklogFull(
      `${bytes} bytes of the log wait for consumers; try again after ${retryAfterMs} ms`,
      { limitBytes, retryAfterMs },
      retryAfter(seconds(retryAfterMs))
    ),
  DelayedLimit: ({ limit, retryAfterMs }) =>
    rows.DelayedLimit(
      `${limit} messages wait for their time; try again after ${retryAfterMs} ms`,
      { limit, retryAfterMs },
      retryAfter(seconds(retryAfterMs))
    ),
  ShardFull: ({ retryAfterMs, shard }) =>
    rows.ShardFull(
      `shard ${shard} is full; try again after ${retryAfterMs} ms`,
      { shard, retryAfterMs },
      retryAfter(seconds(retryAfterMs))
    ),
  ShardPaused: ({ message, retryAfterMs, shard }) =>
    rows.ShardPaused(message, { shard, retryAfterMs }, retryAfter(seconds(retryAfterMs))),
  LeaseHeld: ({ message, name, retryAfterMs }) =>
    rows.LeaseHeld(message, { name, retryAfterMs }, retryAfter(seconds(retryAfterMs))),
  LeaseLost: ({ message, name }) => rows.LeaseLost(message, { name }),
  LeaseLimit: ({ limit, message }) => rows.LeaseLimit(message, { limit }, unavailable),
  LeasesUnavailable: ({ message }) => rows.LeasesUnavailable(message, none, unavailable),
  SessionConflict: ({ message, name, version }) => rows.SessionConflict(message, { name, version }),
  SessionInvalid: ({ field, message, reason }) =>
    rows.SessionInvalid(message, { errors: [{ field, reason }] }),
  SessionLimit: ({ limit, message }) => rows.SessionLimit(message, { limit }, unavailable),
  SessionsUnavailable: ({ message }) => rows.SessionsUnavailable(message, none, unavailable),
  SessionUnknown: ({ name }) => rows.SessionUnknown(`there is no session ${quote(name)}`),
  ShardUnknown: ({ id }) => rows.ShardUnknown(`there is no shard ${quote(id)}`),
  ResizeRunning: ({ message }) => rows.ResizeRunning(message, none, unavailable),
  CountOutOfRange: ({ message }) => rows.CountOutOfRange(message),
  HookRefused: ({ hook, reason }) =>
    rows.HookRefused(`${quote(hook)} refused the message: ${quote(reason)}`, { hook }),
  IdempotencyConflict: ({ firstId, idempotencyKey }) =>
    rows.IdempotencyConflict(
      `the key ${quote(idempotencyKey)} was used for another body; use a new key`,
      { firstId }
    ),
  KeysUnavailable: ({ message }) => rows.KeysUnavailable(message, {}, unavailable),
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
  RequestTimeout: ({ timeoutMs, topic }) =>
    rows.RequestTimeout(`nobody replied on ${quote(topic)} within ${timeoutMs} ms`, {
      topic,
      timeoutMs
    }),
  RequestLimit: ({ limit }) =>
    rows.RequestLimit(
      `${limit} requests wait for a reply; try again later`,
      { limit },
      unavailable
    ),
  LogUnavailable: ({ detail, reason }) =>
    rows.LogUnavailable(`${logReasons[reason]}: ${detail}`, { reason }, unavailable),
  PatternReserved: ({ pattern }) =>
    rows.PatternReserved(
      `${quote(pattern)} names topics of the bus, which are not kept; ` +
        "subscribe to message_bus with mode broadcast"
    ),
  PositionInvalid: ({ message }) => rows.PositionInvalid(message),
  TailLimit: ({ limit }) =>
    rows.TailLimit(`there are ${limit} event streams; try again`, { limit }, unavailable),
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
