/**
 * Entries, subscriptions and dead letters for tests of logs.
 */
import type { DeadLetter } from "../../src/domain/DeadLetter.ts"
import { makeIds } from "../../src/domain/MessageId.ts"
import { logLaneCount } from "../../src/domain/Position.ts"
import type { Subscription, SubscriptionName } from "../../src/domain/Subscription.ts"
import type { TopicName } from "../../src/domain/Topic.ts"
import type { TopicPattern } from "../../src/domain/TopicPattern.ts"
import type { Delayed, LogEntry, ScanRequest } from "../../src/services/MessageLog.ts"

const nextId = makeIds(() => 7, 1_700_000_000_000)

/** What a test may say about an entry. */
interface EntryFields {
  readonly logLane?: number
  readonly topic?: string
  readonly payload?: string
  readonly key?: string
  readonly idempotencyKey?: string
  readonly headers?: string
  readonly pending?: number
  readonly publishedAt?: number
  readonly deliverAt?: number
}

/** An entry to append: one delivery of it is pending unless said otherwise. */
export const entryOf = (fields: EntryFields = {}): LogEntry => {
  const { logLane = 1, payload = "{}", pending = 1, topic = "orders" } = fields
  return {
    message: {
      id: nextId(1_700_000_000_000, logLane >>> 1),
      topic: topic as TopicName,
      payload,
      priority: (logLane & 1) === 0 ? 7 : 3,
      key: fields.key,
      idempotencyKey: fields.idempotencyKey,
      headers: fields.headers,
      contentType: undefined,
      traceparent: undefined,
      publishedAt: fields.publishedAt ?? 1_700_000_000_000,
      deliverAt: fields.deliverAt,
      expiresAt: undefined,
      context: undefined,
      replayOf: undefined
    },
    bytes: Buffer.byteLength(payload),
    partition: logLane >>> 1,
    lane: (logLane & 1) === 0 ? 0 : 1,
    logLane,
    fingerprint: fields.idempotencyKey === undefined ? undefined : "f1",
    offset: -1,
    pending
  }
}

/** A subscription that starts at 0 everywhere. */
export const subscriptionOf = (incarnation: number): Subscription => ({
  incarnation,
  name: `s${incarnation}` as SubscriptionName,
  options: {
    topic: "orders" as TopicPattern,
    ordering: "key",
    maxAttempts: 4,
    ackTimeoutMs: 30_000,
    from: "now",
    mode: "compete"
  },
  starts: new Array(logLaneCount).fill(0)
})

/** A dead letter of subscription `s<incarnation>`. */
export const letterOf = (id: number, incarnation: number, topic = "orders"): DeadLetter => ({
  id,
  subscription: `s${incarnation}` as SubscriptionName,
  incarnation,
  message: entryOf({ topic }).message,
  reason: "AttemptsExhausted",
  error: "it failed",
  attempts: 4,
  failedAt: 1_000 + id
})

/** A scan of a whole lane. */
export const everything = (logLane: number, from = 0): ScanRequest => ({
  logLane,
  from,
  countMax: 1_000,
  bytesMax: 1_048_576,
  wants: () => true
})

/** The payloads of entries, in order. */
export const payloadsOf = (entries: ReadonlyArray<LogEntry>) =>
  entries.map((entry) => entry.message.payload)

/** A delayed message, as its entry. */
export const delayedOf = (dueAt: number, fields: EntryFields = {}): Delayed => {
  const { bytes, fingerprint, message } = entryOf({ ...fields, deliverAt: dueAt })
  return { id: message.id, dueAt, message, fingerprint, bytes }
}

/** Offsets from which on everything is needed: none, but for those given by lane. */
export const neededFrom = (
  heads: (logLane: number) => number,
  needed: Readonly<Record<number, number>> = {}
): ReadonlyArray<number> =>
  Array.from({ length: logLaneCount }, (_, logLane) => needed[logLane] ?? heads(logLane))
