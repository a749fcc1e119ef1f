/**
 * The rows of the catalogue of problems: what each kind of problem is called and answered with.
 *
 * Complete by its type: an error that a handler may end with and that stands in no row does not
 * compile. The `type` of a row never changes; clients branch on it.
 */
import type { Answerable } from "./Answerable.ts"

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

const none = {}

/** A row: status, last part of the type, title; then what belongs to one occurrence. */
export const row = (status: number, name: string, title: string) => {
  const type = `/problems/${name}`
  const make = (
    detail: string,
    extension: Readonly<Record<string, unknown>> = none,
    headers: Readonly<Record<string, string>> = none
  ): Problem => ({ type, title, status, detail, extension, headers })
  return Object.assign(make, { kind: { type, title, status } })
}

/** All rows, by the tag of what they answer. */
export const rows = {
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
  BatchEmpty: row(400, "batch-empty", "Empty batch"),
  BatchTooLarge: row(413, "batch-too-large", "Too many messages"),
  MessageUnknown: row(404, "message-unknown", "Unknown message"),
  HttpMalformed: row(400, "http-malformed", "Malformed request"),
  HeadTooLarge: row(431, "head-too-large", "Request head too large"),
  HeadersExceeded: row(431, "too-many-headers", "Too many request headers"),
  PipelineFull: row(429, "pipeline-full", "Too many requests at once"),
  RequestTooSlow: row(408, "request-too-slow", "Request too slow"),
  ExpectationRefused: row(417, "expectation-refused", "Unknown expectation"),
  CredentialMissing: row(401, "credential-missing", "Credential required"),
  CredentialInvalid: row(401, "credential-invalid", "Invalid credential"),
  CredentialsThrottled: row(429, "credentials-throttled", "Too many invalid credentials"),
  Forbidden: row(403, "forbidden", "Not allowed"),
  RateLimited: row(429, "rate-limited", "Too many requests"),
  EdgeBusy: row(503, "edge-busy", "Too many large requests"),
  EdgeClosing: row(503, "edge-closing", "Server closing"),
  BusClosed: row(503, "bus-closed", "Bus not running"),
  BacklogFull: row(429, "backlog-full", "Backlog full"),
  DelayedLimit: row(429, "delayed-limit", "Too many delayed messages"),
  ShardFull: row(429, "shard-full", "Shard full"),
  ShardPaused: row(429, "shard-paused", "Shard paused"),
  ShardUnknown: row(404, "shard-unknown", "Unknown shard"),
  ResizeRunning: row(409, "resize-running", "Shards being changed"),
  CountOutOfRange: row(400, "count-out-of-range", "Not that many"),
  HookRefused: row(422, "hook-refused", "Refused by a hook"),
  RequestTimeout: row(504, "request-timeout", "No reply in time"),
  RequestLimit: row(503, "request-limit", "Too many requests wait for a reply"),
  IdempotencyConflict: row(422, "idempotency-conflict", "Idempotency key used for another body"),
  KeysUnavailable: row(503, "idempotency-unavailable", "Idempotency unavailable"),
  IdempotencyInFlight: row(409, "idempotency-in-flight", "Idempotency key in use"),
  TopicReserved: row(403, "topic-reserved", "Reserved topic"),
  MessageInvalid: row(400, "message-invalid", "Invalid message"),
  PayloadTooLarge: row(413, "payload-too-large", "Payload too large"),
  LogUnavailable: row(503, "log-unavailable", "Log unavailable"),
  PatternReserved: row(403, "pattern-reserved", "Reserved pattern"),
  PositionInvalid: row(400, "position-invalid", "Invalid position"),
  TailLimit: row(503, "tail-limit", "Too many event streams"),
  SubscriptionBroadcast: row(409, "subscription-broadcast", "Broadcast subscription"),
  SubscriptionConflict: row(409, "subscription-conflict", "Subscription exists otherwise"),
  SubscriptionHandled: row(409, "subscription-handled", "Subscription handled in process"),
  SubscriptionLimit: row(409, "subscription-limit", "Too many subscriptions"),
  SubscriptionUnknown: row(404, "subscription-unknown", "Unknown subscription"),
  LeaseHeld: row(409, "lease-held", "Lock held by another"),
  LeaseLost: row(409, "lease-lost", "Lock not held any more"),
  LeaseLimit: row(503, "lease-limit", "Too many locks held"),
  LeasesUnavailable: row(503, "leases-unavailable", "No locks granted now"),
  SessionConflict: row(409, "session-conflict", "Session written meanwhile"),
  SessionInvalid: row(400, "session-invalid", "Invalid session"),
  SessionLimit: row(503, "session-limit", "Too many sessions"),
  SessionsUnavailable: row(503, "sessions-unavailable", "No sessions now"),
  SessionUnknown: row(404, "session-unknown", "Unknown session"),
  DeadLetterUnknown: row(404, "dead-letter-unknown", "Unknown dead letter")
} satisfies Record<Answerable["_tag"], ReturnType<typeof row>>
