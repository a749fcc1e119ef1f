/**
 * Drafting: turns what a program publishes into a checked draft.
 */
import { Result, Schema } from "effect"
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

const isPriority = Schema.is(Priority)

const invalid = (field: string, reason: string): DraftError => new MessageInvalid({ field, reason })

const isShort = (text: string | undefined): boolean =>
  text === undefined || (text.length > 0 && text.length <= keyLengthMax && text.isWellFormed())

const textOf = (field: string, value: unknown): Result.Result<string, DraftError> =>
  Result.flatMap(
    Result.try({
      try: (): unknown => JSON.stringify(value),
      catch: (error) => invalid(field, `it cannot be written as JSON: ${String(error)}`)
    }),
    (text) =>
      typeof text === "string"
        ? Result.succeed(text)
        : Result.fail(invalid(field, "it has no JSON form"))
  )

const withinBytes = (field: string, text: string, limitBytes: number) => {
  const sizeBytes = Buffer.byteLength(text)
  return sizeBytes <= limitBytes
    ? Result.succeed(sizeBytes)
    : Result.fail(new PayloadTooLarge({ field, sizeBytes, limitBytes }))
}

const fieldError = (options: PublishOptions): DraftError | undefined => {
  const { expiresAt, idempotencyKey, key, priority = 0 } = options
  const short = `expected 1 to ${keyLengthMax} characters of well-formed Unicode`
  return !isShort(key)
    ? invalid("key", short)
    : !isShort(idempotencyKey)
    ? invalid("idempotencyKey", short)
    : !isPriority(priority)
    ? invalid("priority", "expected a whole number from 0 to 9")
    : expiresAt !== undefined && !Number.isFinite(expiresAt)
    ? invalid("expiresAt", "expected Unix milliseconds")
    : undefined
}

const headersText = (
  headers: Readonly<Record<string, string>> | undefined
): Result.Result<string | undefined, DraftError> => {
  if (headers === undefined) return Result.succeed(undefined)
  const isText = Object.values(headers).every((value) =>
    typeof value === "string" && value.isWellFormed()
  )
  return isText
    ? Result.flatMap(
      textOf("headers", headers),
      (text) => Result.map(withinBytes("headers", text, headersBytesMax), () => text)
    )
    : Result.fail(invalid("headers", "expected well-formed strings as values"))
}

/** The draft of a message; the payload is stringified here, once. */
export const draftOf = (
  topic: string,
  payload: unknown,
  options: PublishOptions = {}
): Result.Result<Draft, DraftError> =>
  Result.gen(function*() {
    if (!isTopicName(topic)) {
      const reason = "expected at most 249 characters: dot-separated segments of A-Z a-z 0-9 _ -"
      return yield* Result.fail(invalid("topic", reason))
    }
    const wrong = fieldError(options)
    if (wrong !== undefined) return yield* Result.fail(wrong)
    const text = yield* textOf("payload", payload)
    return {
      topic,
      payload: text,
      payloadBytes: yield* withinBytes("payload", text, payloadBytesMax),
      priority: options.priority ?? 0,
      key: options.key,
      idempotencyKey: options.idempotencyKey,
      headers: yield* headersText(options.headers),
      contentType: options.contentType,
      traceparent: options.traceparent,
      expiresAt: options.expiresAt
    }
  })
