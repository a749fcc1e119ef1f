/**
 * Drafting: turns what a program publishes into a checked draft.
 *
 * Measured: written as a generator of results this took twice the time of the whole publish, so
 * the checks are plain branches that end in one error or the draft.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ContextValues, merge } from "../../domain/ExecutionContext.ts"
import {
  type Draft,
  headersBytesMax,
  keyLengthMax,
  MessageInvalid,
  payloadBytesMax,
  PayloadTooLarge
} from "../../domain/Message.ts"
import { Priority } from "../../domain/Priority.ts"
import { isTopicName } from "../../domain/Topic.ts"
import type { PublishOptions } from "../../services/CodeFactory.ts"

/** Why a draft cannot be made; nothing was published. */
export type DraftError = MessageInvalid | PayloadTooLarge

const noOptions: PublishOptions = {}
const isPriority = Schema.is(Priority)

const invalid = (field: string, reason: string): DraftError => new MessageInvalid({ field, reason })

/**
 * The draft of a message, or why there is none; the payload is stringified here, once. `now` (Unix
 * milliseconds) is what a delay counts from.
 */
export const draftOf = (
  topic: string,
  payload: unknown,
  options: PublishOptions = noOptions,
  now = 0
): Draft | DraftError => {
  if (!isTopicName(topic)) return invalid("topic", topicExpected)
  const wrong = options === noOptions ? undefined : fieldError(options)
  if (wrong !== undefined) return wrong
  const text = jsonOf("payload", payload)
  if (typeof text !== "string") return text
  const payloadBytes = Buffer.byteLength(text)
  if (payloadBytes > payloadBytesMax) return tooLarge("payload", payloadBytes, payloadBytesMax)
  const headers = options.headers === undefined ? undefined : headersText(options.headers)
  if (typeof headers === "object") return headers
  const context = options.context === undefined ? undefined : contextText(options.context)
  if (typeof context === "object") return context
  return {
    topic,
    payload: text,
    payloadBytes,
    priority: options.priority ?? 0,
    key: options.key,
    idempotencyKey: options.idempotencyKey,
    headers,
    contentType: options.contentType,
    traceparent: options.traceparent,
    deliverAt: options.delay === undefined ? options.deliverAt : now + millisOf(options.delay),
    expiresAt: options.expiresAt,
    context
  }
}

/** Whether drafting failed. */
export const isDraftError = (draft: Draft | DraftError): draft is DraftError => "_tag" in draft

const topicExpected =
  "expected at most 249 characters: dot-separated segments of letters, digits, '_' and '-'"

const keyExpected = `expected 1 to ${keyLengthMax} characters of well-formed Unicode`

/** Programs without types may give anything. */
const isShort = (text: unknown): boolean =>
  text === undefined || (
    typeof text === "string" && text.length > 0 && text.length <= keyLengthMax &&
    text.isWellFormed()
  )

const timeExpected = "expected Unix milliseconds"

/** Milliseconds of a duration; not a finite number when it is none. */
const millisOf = (delay: Duration.Input): number =>
  Option.match(Duration.fromInput(delay), {
    onNone: () => Number.NaN,
    onSome: Duration.toMillis
  })

const isTime = (time: unknown): boolean => time === undefined || Number.isFinite(time)

const fieldError = (options: PublishOptions): DraftError | undefined => {
  const { contentType, expiresAt, idempotencyKey, key, priority = 0, traceparent } = options
  if (!isShort(key)) return invalid("key", keyExpected)
  if (!isShort(idempotencyKey)) return invalid("idempotencyKey", keyExpected)
  if (!isShort(contentType)) return invalid("contentType", keyExpected)
  if (!isShort(traceparent)) return invalid("traceparent", keyExpected)
  if (!isPriority(priority)) return invalid("priority", "expected a whole number from 0 to 9")
  if (!isTime(options.deliverAt)) return invalid("deliverAt", timeExpected)
  if (options.delay !== undefined && !isTime(millisOf(options.delay))) {
    return invalid("delay", "expected a finite duration")
  }
  return isTime(expiresAt) ? undefined : invalid("expiresAt", timeExpected)
}

const jsonOf = (field: string, value: unknown): string | DraftError => {
  const text = Result.try((): unknown => JSON.stringify(value))
  if (Result.isFailure(text)) {
    return invalid(field, `it cannot be written as JSON: ${String(text.failure)}`)
  }
  return typeof text.success === "string" ? text.success : invalid(field, "it has no JSON form")
}

const headersText = (headers: Readonly<Record<string, string>>): string | DraftError => {
  const isText = Object.values(headers).every((value) =>
    typeof value === "string" && value.isWellFormed()
  )
  if (!isText) return invalid("headers", "expected well-formed strings as values")
  const text = jsonOf("headers", headers)
  if (typeof text !== "string") return text
  const sizeBytes = Buffer.byteLength(text)
  return sizeBytes > headersBytesMax ? tooLarge("headers", sizeBytes, headersBytesMax) : text
}

/** An empty context is one, too: it keeps the publisher's own from being attached. */
const contextText = (values: ContextValues): string | DraftError => {
  const carried = merge({}, values)
  return typeof carried === "string" ? invalid("context", carried) : carried.text ?? "{}"
}

const tooLarge = (field: string, sizeBytes: number, limitBytes: number): DraftError =>
  new PayloadTooLarge({ field, sizeBytes, limitBytes })
