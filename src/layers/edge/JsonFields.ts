/**
 * The fields of a JSON object, each with its value and with the text it came as.
 */
import { Result } from "effect"
import { payloadDepthMax } from "../../domain/Message.ts"
import { malformed, skipSpace, skipString, skipValue, tooDeep } from "./JsonScan.ts"
import { quote } from "./Phrase.ts"
import { fieldInvalid, Refusal } from "./Refusal.ts"

/** A value and its text. */
export interface JsonField {
  readonly text: string
  readonly value: unknown
}

/** `JSON.parse` as a value. */
export const parseJson: (text: string) => Result.Result<unknown, Refusal> = (text) =>
  Result.try({ try: (): unknown => JSON.parse(text), catch: notJson })

const notJson = (cause: unknown) =>
  Refusal.BodyMalformed({
    kind: "NotJson",
    reason: `not JSON: ${cause instanceof Error ? cause.message : ""}`
  })

/**
 * The fields of the object that `text` is, in order.
 *
 * Twice the same field is refused: two readers of it might take different ones. The object may hold
 * values nested up to `payloadDepthMax`.
 */
export const readFields = (
  text: string
): Result.Result<ReadonlyMap<string, JsonField>, Refusal> => {
  const fields = new Map<string, JsonField>()
  let at = skipSpace(text, 0) // Measured hot loop: runs for every message.
  if (text[at] !== "{") return noObject(text)
  at = skipSpace(text, at + 1)
  if (text[at] === "}") return ended(text, at, fields)
  for (;;) {
    if (text[at] !== "\"") return noObject(text)
    const nameEnd = skipString(text, at)
    if (nameEnd < 0) return noObject(text)
    const name = nameOf(text.slice(at, nameEnd))
    if (Result.isFailure(name)) return Result.fail(name.failure)
    at = skipSpace(text, nameEnd)
    if (text[at] !== ":") return noObject(text)
    at = skipSpace(text, at + 1)
    const end = skipValue(text, at)
    if (end === tooDeep) return Result.fail(Refusal.DepthExceeded({ limit: payloadDepthMax }))
    if (end === malformed) return noObject(text)
    const valueText = text.slice(at, end)
    const value = valueOf(valueText)
    if (Result.isFailure(value)) return Result.fail(value.failure)
    if (fields.has(name.success)) {
      return Result.fail(fieldInvalid(shownName(name.success), "given twice"))
    }
    fields.set(name.success, { text: valueText, value: value.success })
    at = skipSpace(text, end)
    if (text[at] === "}") return ended(text, at, fields)
    if (text[at] !== ",") return noObject(text)
    at = skipSpace(text, at + 1)
  }
}

const ended = (text: string, at: number, fields: ReadonlyMap<string, JsonField>) =>
  skipSpace(text, at + 1) === text.length ? Result.succeed(fields) : noObject(text)

/** A backslash or a control character: an escape, or what a JSON string must not hold. */
const needsParser = /[^\x20-\x5b\x5d-\uffff]/

/** A plain string is what stands between its quotes; all else is the parser's. */
const valueOf = (text: string): Result.Result<unknown, Refusal> =>
  text.startsWith("\"") && !needsParser.test(text)
    ? Result.succeed(text.slice(1, -1))
    : parseJson(text)

/** A name as a string; only one with an escape needs the parser (others were cut at quotes). */
const nameOf = (text: string): Result.Result<string, Refusal> =>
  text.includes("\\")
    ? Result.map(parseJson(text), String)
    : Result.succeed(text.slice(1, -1))

const notObject = Refusal.BodyMalformed({ kind: "NotObject", reason: "expected a JSON object" })

/** Valid JSON of another kind, or the parser's words for what is wrong. */
const noObject = (text: string): Result.Result<never, Refusal> =>
  skipValue(text, skipSpace(text, 0)) === tooDeep
    ? Result.fail(Refusal.DepthExceeded({ limit: payloadDepthMax }))
    : Result.flatMap(
      parseJson(text),
      () => Result.fail(notObject)
    )

/** The JSON value of a whole text, nested at most `payloadDepthMax` deep. */
export const readValue = (text: string): Result.Result<unknown, Refusal> =>
  skipValue(text, skipSpace(text, 0)) === tooDeep
    ? Result.fail(Refusal.DepthExceeded({ limit: payloadDepthMax }))
    : parseJson(text)

/** The name of a field as an answer shows it. */
export const shownName = (name: string): string => quote(name).slice(1, -1)
