/**
 * The check of a draft that a hook returned: by then nobody else looks at it again.
 */
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { contextBytesMax } from "../../domain/ExecutionContext.ts"
import { type Draft, headersBytesMax, keyLengthMax, payloadBytesMax } from "../../domain/Message.ts"
import { Priority } from "../../domain/Priority.ts"
import { TopicName } from "../../domain/Topic.ts"

const Short = Schema.UndefinedOr(
  Schema.NonEmptyString.check(Schema.isMaxLength(keyLengthMax), Schema.makeFilter(wellFormed))
)

function wellFormed(text: string): boolean {
  return text.isWellFormed()
}

const Time = Schema.UndefinedOr(Schema.Finite)

/** JSON text of at most so many bytes. */
const json = (bytesMax: number) =>
  Schema.String.check(Schema.makeFilter((text: string) =>
    Buffer.byteLength(text) > bytesMax
      ? `expected at most ${bytesMax} bytes`
      : Result.isSuccess(Result.try((): unknown => JSON.parse(text))) || "expected JSON text"
  ))

/** JSON text of an object whose values are strings. */
const texts = (bytesMax: number) =>
  Schema.UndefinedOr(
    json(bytesMax).check(Schema.makeFilter((text: string) => {
      const value: unknown = JSON.parse(text)
      return isTexts(value) || "expected an object whose values are strings"
    }))
  )

const isTexts = Schema.is(Schema.Record(Schema.String, Schema.String))

const decode = Schema.decodeUnknownExit(
  Schema.Struct({
    topic: TopicName,
    payload: json(payloadBytesMax),
    priority: Priority,
    key: Short,
    idempotencyKey: Short,
    headers: texts(headersBytesMax),
    contentType: Short,
    traceparent: Short,
    deliverAt: Time,
    expiresAt: Time,
    context: texts(contextBytesMax)
  })
)

/** The draft in `value`, with its bytes counted anew; or what is wrong with it. */
export const checkDraft = (value: unknown): Draft | string => {
  const exit = decode(value)
  if (Exit.isFailure(exit)) {
    const [failure] = exit.cause.reasons
    return failure?._tag === "Fail" ? failure.error.message : "it is no draft"
  }
  return { ...exit.value, payloadBytes: Buffer.byteLength(exit.value.payload) }
}
