/**
 * Bodies of all routes but publishing: JSON by a schema, unknown fields refused by name.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { edgeLimits } from "./EdgeLimits.ts"
import { type JsonField, readFields, shownName } from "./JsonFields.ts"
import { type FieldError, fieldInvalid, Refusal } from "./Refusal.ts"
import { textOf } from "./Unicode.ts"
import { type BodyRule, jsonType } from "./Web.ts"

/** A JSON body as large as one message's. */
export const jsonBody: BodyRule = { contentTypes: [jsonType], bytesMax: edgeLimits.bodyBytesMax }

/** The JSON object of a body. */
export const bodyObject = (
  body: Uint8Array
): Result.Result<Readonly<Record<string, unknown>>, Refusal> =>
  Result.map(bodyFields(body), valuesOf)

/** The fields of the JSON object of a body, with the texts that they came as. */
export const bodyFields = (
  body: Uint8Array
): Result.Result<ReadonlyMap<string, JsonField>, Refusal> =>
  Result.flatMap(Result.flatMap(textOf(body), readFields), (fields) => {
    if (fields.size > fieldsMax) return Result.fail(tooManyFields)
    const long = Array.from(fields).find(([, { value }]) => isLong(value))
    return long === undefined
      ? Result.succeed(fields)
      : Result.fail(
        fieldInvalid(shownName(long[0]), `expected at most ${edgeLimits.ackIdsMax} items`)
      )
  })

/** The values of fields. */
export const valuesOf = (
  fields: ReadonlyMap<string, JsonField>
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Array.from(fields, ([key, { value }]) => [key, value]))

/** More fields than any body has, few enough that naming each unknown one stays cheap. */
const fieldsMax = 32

const tooManyFields = fieldInvalid("body", `expected at most ${fieldsMax} fields`)

/** Checked before the schema, which looks at every item of an array. */
const isLong = (value: unknown) => Array.isArray(value) && value.length > edgeLimits.ackIdsMax

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "UnexpectedKey"
      ? "unknown field"
      : issue._tag === "MissingKey"
      ? "required"
      : SchemaIssue.defaultLeafHook(issue)
})

/** A decoder of values whose every problem is named by its field; its schema goes with it. */
export const decoder = <S extends Schema.Decoder<unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownExit(schema, { errors: "all", onExcessProperty: "error" })
  const check = (value: unknown): Result.Result<S["Type"], Refusal> => {
    const exit = decode(value)
    if (Exit.isSuccess(exit)) return Result.succeed(exit.value)
    const error = Cause.findErrorOption(exit.cause)
    return Option.isSome(error)
      ? Result.fail(fieldsInvalid(issuesOf(error.value.issue).issues))
      : Result.fail(fieldInvalid("body", "expected a JSON object"))
  }
  return Object.assign(check, { schema })
}

type Issue = ReturnType<typeof issuesOf>["issues"][number]

const fieldsInvalid = (issues: ReadonlyArray<Issue>): Refusal =>
  Refusal.FieldsInvalid({ errors: issues.slice(0, edgeLimits.fieldErrorsMax).map(fieldError) })

const fieldError = ({ message, path }: Issue): FieldError => ({
  field: shownName(
    (path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".")
  ),
  reason: message.slice(0, reasonMax)
})

/** Longest reason shown, in characters: a schema may repeat the value it refuses. */
const reasonMax = 200
