/**
 * Rows of the embedded log: their stored form and the checksum over key and data.
 */
import { crc32 } from "node:zlib"
import type { DeadLetter } from "../../../domain/DeadLetter.ts"
import type { Message } from "../../../domain/Message.ts"
import { optionsDefault, type Subscription } from "../../../domain/Subscription.ts"
import type { Cursor, OwnRow } from "../../../services/MessageLog.ts"

/** The checksum of a row. */
export const checksum = (key: number, data: string | Uint8Array): number =>
  crc32(data, crc32(String(key)))

/** The key of a cursor's row. */
export const cursorKey = ({ incarnation, logLane }: Pick<Cursor, "incarnation" | "logLane">) =>
  incarnation * 128 + logLane

/** A cursor as numbers: floor, length of the ranges, ranges, attempts. */
export const writeCursor = ({ attempts, floor, ranges }: Cursor): Uint8Array =>
  new Uint8Array(Float64Array.from([floor, ranges.length, ...ranges, ...attempts]).buffer)

/** The cursor in a row. */
export const readCursor = (key: number, data: Uint8Array): Cursor => {
  const numbers = [...new Float64Array(Uint8Array.from(data).buffer)]
  const [floor = 0, rangesLength = 0] = numbers
  return {
    incarnation: Math.floor(key / 128),
    logLane: key % 128,
    floor,
    ranges: numbers.slice(2, 2 + rangesLength),
    attempts: numbers.slice(2 + rangesLength)
  }
}

/** JSON drops absent fields; a message has them all, so that all share one shape in memory. */
const withAllFields = (message: Message): Message => ({
  id: message.id,
  topic: message.topic,
  payload: message.payload,
  priority: message.priority,
  key: message.key,
  idempotencyKey: message.idempotencyKey,
  headers: message.headers,
  contentType: message.contentType,
  traceparent: message.traceparent,
  publishedAt: message.publishedAt,
  deliverAt: message.deliverAt,
  expiresAt: message.expiresAt,
  context: message.context,
  replayOf: message.replayOf
})

/** The own row or dead letter in a row's JSON text. */
export const readWithMessage = <A extends OwnRow | DeadLetter>(data: string): A => {
  const row: A = JSON.parse(data) // Written by this program; the checksum says it is unchanged.
  return { ...row, message: withAllFields(row.message) }
}

/** The subscription in a row's JSON text; options that its version did not have are at default. */
export const readSubscription = (data: string): Subscription => {
  const row: Subscription = JSON.parse(data) // Written by this program, as above.
  return { ...row, options: { ...optionsDefault, ...row.options } }
}
