/**
 * Messages as JSON text: payload and headers go out as the text they came as.
 */
import * as DateTime from "effect/DateTime"
import type { DeadLetter } from "../../domain/DeadLetter.ts"
import type { Message } from "../../domain/Message.ts"
import type { LeasedDelivery } from "../../services/MessageBus.ts"
import type { MessageStatus } from "../../services/MessageStatus.ts"
import type { ParkedDelivery } from "../../services/Parked.ts"

/** ISO 8601 in UTC, of Unix milliseconds. */
export const isoOf = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const orNull = (text: string | undefined) => text === undefined ? "null" : JSON.stringify(text)

/** A message. Fields without a value are `null`, headers without any are `{}`. */
export const messageText = (message: Message): string =>
  `{"id":"${message.id}","topic":"${message.topic}","payload":${message.payload},` +
  `"key":${orNull(message.key)},"priority":${message.priority},` +
  `"headers":${message.headers ?? "{}"},"contentType":${orNull(message.contentType)},` +
  `"traceparent":${orNull(message.traceparent)},"publishedAt":"${isoOf(message.publishedAt)}"` +
  (message.replayOf === undefined ? "}" : `,"replayOf":"${message.replayOf}"}`)

/** The deliveries of a pull. */
export const deliveriesText = (deliveries: ReadonlyArray<LeasedDelivery>): string =>
  `{"deliveries":[${deliveries.map(deliveryText).join(",")}]}`

const deliveryText = ({ ackId, attempt, leaseExpiresAt, message }: LeasedDelivery): string =>
  `{"ackId":${JSON.stringify(ackId)},"attempt":${attempt},` +
  `"leaseExpiresAt":"${isoOf(leaseExpiresAt)}","message":${messageText(message)}}`

/** A dead letter; its id is text, as ids are. */
export const deadLetterText = (letter: DeadLetter): string =>
  `{"id":"${letter.id}","subscription":${JSON.stringify(letter.subscription)},` +
  `"message":${messageText(letter.message)},"reason":"${letter.reason}",` +
  `"error":${JSON.stringify(letter.error)},"attempts":${letter.attempts},` +
  `"failedAt":"${isoOf(letter.failedAt)}"}`

/** A parked delivery; its id is text, as ids are. */
export const parkedText = (parked: ParkedDelivery): string =>
  `{"id":"${parked.id}","subscription":${JSON.stringify(parked.subscription)},` +
  `"message":${messageText(parked.message)},"reason":"${parked.reason}",` +
  `"error":${JSON.stringify(parked.error)},"attempts":${parked.attempts},` +
  `"parkedAt":"${isoOf(parked.parkedAt)}"}`

/** Where a message is. */
export const statusText = ({ deliveries, message, shard, state }: MessageStatus): string =>
  `{"message":${messageText(message)},"shard":${shard},"state":"${state}","deliveries":${
    JSON.stringify(deliveries)
  }}`
