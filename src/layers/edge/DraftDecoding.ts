/**
 * From the text of one message to a draft: every check the edge makes of a message.
 *
 * Written out by hand instead of as a `Schema`, because it runs for every message and a struct's
 * decoder costs several times as much.
 */
import * as Result from "effect/Result"
import {
  type Draft,
  headersBytesMax,
  payloadBytesMax,
  PayloadTooLarge
} from "../../domain/Message.ts"
import { isTopicName } from "../../domain/Topic.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { type JsonField, readFields, shownName } from "./JsonFields.ts"
import {
  type Check,
  checkContentType,
  checkInstant,
  checkKey,
  checkPriority,
  checkTopic,
  checkTraceparent,
  instantOf
} from "./MessageFields.ts"
import { type FieldError, Refusal } from "./Refusal.ts"
import { escapesWellFormed, utf8Bytes } from "./Unicode.ts"

/** What the request says besides its body; in a batch nothing. */
export interface Envelope {
  readonly topic: string | undefined
  readonly idempotencyKey: string | undefined
  readonly traceparent: string | undefined
}

/** The envelope of an item of a batch. */
export const itemEnvelope: Envelope = {
  topic: undefined,
  idempotencyKey: undefined,
  traceparent: undefined
}

/** Why a text is no draft. */
export type DraftRefused = Refusal | PayloadTooLarge

type Fields = ReadonlyMap<string, JsonField>

/** The draft in `text`; `ascii` says that the text has nothing beyond ASCII. */
export const decodeDraft = (
  text: string,
  ascii: boolean,
  envelope: Envelope
): Result.Result<Draft, DraftRefused> => {
  const read = readFields(text)
  return Result.isFailure(read)
    ? Result.fail(read.failure)
    : decodeFields(read.success, ascii, envelope)
}

/** The draft in these fields. */
export const decodeFields = (
  fields: Fields,
  ascii: boolean,
  envelope: Envelope
): Result.Result<Draft, DraftRefused> => {
  const payload = fields.get("payload")
  const payloadBytes = payload === undefined ? 0 : utf8Bytes(payload.text, ascii)
  if (payloadBytes > payloadBytesMax) {
    return tooLarge("payload", payloadBytes, payloadBytesMax)
  }
  const headers = fields.get("headers")
  const headersBytes = headers === undefined ? 0 : utf8Bytes(headers.text, ascii)
  if (headersBytes > headersBytesMax) return tooLarge("headers", headersBytes, headersBytesMax)
  const topic = envelope.topic ?? fields.get("topic")?.value
  const errors = fieldErrors(fields, envelope)
  if (
    errors.length > 0 || payload === undefined || typeof topic !== "string" || !isTopicName(topic)
  ) {
    return Result.fail(
      Refusal.FieldsInvalid({ errors: errors.slice(0, edgeLimits.fieldErrorsMax) })
    )
  }
  const priority = fields.get("priority")?.value
  return Result.succeed({
    topic,
    payload: payload.text,
    payloadBytes,
    priority: typeof priority === "number" ? priority + 0 : 0, // -0 becomes 0.
    key: stringOf(fields.get("key")),
    idempotencyKey: stringOf(fields.get("idempotencyKey")) ?? envelope.idempotencyKey,
    headers: headers?.text,
    contentType: stringOf(fields.get("contentType")),
    traceparent: stringOf(fields.get("traceparent")) ?? envelope.traceparent,
    deliverAt: instantOf(fields.get("deliverAt")?.value),
    expiresAt: instantOf(fields.get("expiresAt")?.value),
    context: undefined
  })
}

const checks: ReadonlyMap<string, Check> = new Map([
  ["key", checkKey],
  ["priority", checkPriority],
  ["idempotencyKey", checkKey],
  ["contentType", checkContentType],
  ["traceparent", checkTraceparent],
  ["deliverAt", checkInstant],
  ["expiresAt", checkInstant]
])

const stringOf = (field: JsonField | undefined): string | undefined =>
  typeof field?.value === "string" ? field.value : undefined

const tooLarge = (field: string, sizeBytes: number, limitBytes: number) =>
  Result.fail(new PayloadTooLarge({ field, sizeBytes, limitBytes }))

const fieldErrors = (fields: Fields, envelope: Envelope): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = []
  const add = (field: string, reason: string | undefined) => {
    if (reason !== undefined) errors.push({ field, reason })
  }
  if (envelope.topic !== undefined) add("topic", checkTopic(envelope.topic))
  else if (!fields.has("topic")) add("topic", "required")
  if (!fields.has("payload")) add("payload", "required")
  add("idempotencyKey", checkHeader(envelope.idempotencyKey, fields, "idempotencyKey", checkKey))
  add("traceparent", checkHeader(envelope.traceparent, fields, "traceparent", checkTraceparent))
  for (const [name, field] of fields) {
    if (errors.length > edgeLimits.fieldErrorsMax) break
    const check = checks.get(name)
    if (check !== undefined) add(name, check(field.value))
    else if (name === "payload") add(name, checkPayload(field.text))
    else if (name === "headers") add(name, checkHeaders(field))
    else if (name === "topic" && envelope.topic === undefined) add(name, checkTopic(field.value))
    else add(shownName(name), "unknown field")
  }
  return errors
}

/** A request header that stands for a field must be as valid as the field, and agree with it. */
const checkHeader = (
  header: string | undefined,
  fields: Fields,
  name: string,
  check: Check
): string | undefined =>
  header === undefined
    ? undefined
    : fields.has(name) && fields.get(name)?.value !== header
    ? "differs from the request header"
    : check(header)

const checkPayload = (text: string) =>
  escapesWellFormed(text) ? undefined : "a string is not well-formed Unicode"

/** Headers are kept as text, so each is looked at as it stands there, not as a parser merges it. */
const checkHeaders = ({ text }: JsonField): string | undefined => {
  const headers = readFields(text)
  if (Result.isFailure(headers)) {
    return headers.failure._tag === "FieldsInvalid"
      ? "a header is given twice"
      : "expected an object whose values are strings"
  }
  for (const { value } of headers.success.values()) {
    if (typeof value !== "string") return "expected an object whose values are strings"
  }
  return escapesWellFormed(text) ? undefined : "a string is not well-formed Unicode"
}
