/**
 * The message: what is published, stored and handed out.
 *
 * The payload is kept as the JSON text that arrived: numbers survive byte for byte and nothing is
 * encoded twice. Every field is always present, so that all messages share one shape in memory.
 */
import * as Schema from "effect/Schema"
import type { MessageId } from "./MessageId.ts"
import type { TopicName } from "./Topic.ts"

/** Largest payload in UTF-8 bytes of JSON text, inclusive. Source: guide, "Message size limits". */
export const payloadBytesMax = 1_048_576

/** Largest headers of one message in UTF-8 bytes of JSON text. Source: design, section 9. */
export const headersBytesMax = 16_384

/** Longest key and idempotency key in characters: both are held in memory for an hour or more. */
export const keyLengthMax = 1_024

/** Deepest nesting of a payload. Source: design, section 9. */
export const payloadDepthMax = 128

/** One message. Times are Unix milliseconds. */
export interface Message {
  readonly id: MessageId
  readonly topic: TopicName
  /** JSON text. */
  readonly payload: string
  /** 0 to 9; 5 and above go by the high lane. */
  readonly priority: number
  /** Messages of one topic and key are delivered in order. */
  readonly key: string | undefined
  readonly idempotencyKey: string | undefined
  /** JSON text of an object whose values are strings. */
  readonly headers: string | undefined
  readonly contentType: string | undefined
  /** W3C trace context. */
  readonly traceparent: string | undefined
  readonly publishedAt: number
  /** Not delivered before; it enters the log then. */
  readonly deliverAt: number | undefined
  /** From then on it is not delivered any more and its deliveries end expired. */
  readonly expiresAt: number | undefined
  /** JSON text of an object whose values are strings: the context its publisher ran in. */
  readonly context: string | undefined
  /** The message this one is an edited replay of. */
  readonly replayOf: MessageId | undefined
}

/** When a message entered the log: at its publish, or when its time had come. Unix milliseconds. */
export const enteredAt = (message: Message): number =>
  message.deliverAt === undefined || message.deliverAt < message.publishedAt
    ? message.publishedAt
    : message.deliverAt

/** The payload or the headers exceed their limit. Remedy: send less, or a reference to it. */
export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>()("PayloadTooLarge", {
  field: Schema.String,
  sizeBytes: Schema.Int,
  limitBytes: Schema.Int
}) {}

/** One field of a message is not usable; `reason` says what was expected. Permanent. */
export class MessageInvalid extends Schema.TaggedError<MessageInvalid>()("MessageInvalid", {
  field: Schema.String,
  reason: Schema.String
}) {}

/** What a publisher hands over, checked; the bus adds id, partition and time. */
export interface Draft {
  /** Given by the pod that took it for another one; otherwise the bus makes one. */
  readonly id?: MessageId
  readonly topic: TopicName
  /** JSON text. */
  readonly payload: string
  /** UTF-8 bytes of `payload`. */
  readonly payloadBytes: number
  readonly priority: number
  readonly key: string | undefined
  readonly idempotencyKey: string | undefined
  /** JSON text of an object whose values are strings. */
  readonly headers: string | undefined
  readonly contentType: string | undefined
  readonly traceparent: string | undefined
  /** Unix milliseconds. */
  readonly deliverAt: number | undefined
  /** Unix milliseconds. */
  readonly expiresAt: number | undefined
  /** JSON text of an object whose values are strings; it reaches handlers in this program. */
  readonly context: string | undefined
}
