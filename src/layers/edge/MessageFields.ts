/**
 * The fields of a message as they arrive: what each must be, one rule per field.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { keyLengthMax } from "../../domain/Message.ts"
import { isTopicName, topicLengthMax } from "../../domain/Topic.ts"

/** Longest content type in characters: twice the 127 that RFC 6838 allows a name, and a slash. */
export const contentTypeLengthMax = 255

/** What is wrong with a value, or `undefined`. */
export type Check = (value: unknown) => string | undefined

const isKey = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= keyLengthMax &&
  value.isWellFormed()

/** A key or an idempotency key. */
export const checkKey: Check = (value) =>
  isKey(value) ? undefined : `expected well-formed text of 1 to ${keyLengthMax} characters`

/** A topic. */
export const checkTopic: Check = (value) =>
  typeof value === "string" && isTopicName(value)
    ? undefined
    : `expected dot-separated segments of letters, digits, '_' and '-', at most ` +
      `${topicLengthMax} characters`

/** A priority. */
export const checkPriority: Check = (value) =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 9
    ? undefined
    : "expected a whole number from 0 to 9"

const contentType = /^[\x21-\x7e][\x20-\x7e]*$/

/** A content type; nothing reads it but the consumer, so only its characters are checked. */
export const checkContentType: Check = (value) =>
  typeof value === "string" && value.length <= contentTypeLengthMax && contentType.test(value)
    ? undefined
    : `expected printable ASCII text of 1 to ${contentTypeLengthMax} characters`

const traceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** A W3C trace context of version 00. */
export const checkTraceparent: Check = (value) =>
  typeof value === "string" && traceparent.test(value)
    ? undefined
    : "expected a W3C trace context: 00-<32 hex>-<16 hex>-<2 hex>, ids not all zero"

const day = /^(\d{4})-(\d{2})-(\d{2})T/
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/

/** The Unix milliseconds of an ISO 8601 time with a zone, such as `2030-01-31T12:00:00Z`. */
export const instantOf = (value: unknown): number | undefined => {
  if (typeof value !== "string" || !instant.test(value) || !dayExists(value)) return undefined
  return Option.getOrUndefined(Option.map(DateTime.make(value), DateTime.toEpochMillis))
}

/** The parser takes 30 February for 2 March; comparing with its own answer shows it. */
const dayExists = (text: string): boolean => {
  const date = day.exec(text)?.[0] ?? ""
  return Option.exists(
    DateTime.make(`${date}00:00:00Z`),
    (parsed) => DateTime.formatIso(parsed).startsWith(date)
  )
}

/** A time with a zone. */
export const checkInstant: Check = (value) =>
  instantOf(value) === undefined
    ? "expected an ISO 8601 time with Z or an offset, such as 2030-01-31T12:00:00Z"
    : undefined
