/**
 * The fields of a JSON object, each with its value and with the text it came as.
 */
import * as Result from "effect/Result"
import { payloadDepthMax } from "../../domain/Message.ts"
import { malformed, skipSpace, skipString, skipValue, tooDeep } from "./JsonScan.ts"
import { quote } from "./Phrase.ts"
import { fieldInvalid, Refusal } from "./Refusal.ts"

/** A field's value and its text, which is valid JSON. */
export class JsonField {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The value, made when it is asked for: of a payload it never is. Only escapes need a parser. */
  get value(): unknown {
    return this.text.startsWith("\"") && !this.text.includes("\\")
      ? this.text.slice(1, -1)
      : JSON.parse(this.text)
  }
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
    at = skipSpace(text, nameEnd)
    if (text[at] !== ":") return noObject(text)
    at = skipSpace(text, at + 1)
    const end = skipValue(text, at)
    if (end === tooDeep) return Result.fail(Refusal.DepthExceeded({ limit: payloadDepthMax }))
    if (end === malformed) return noObject(text)
    if (fields.has(name)) return Result.fail(fieldInvalid(shownName(name), "given twice"))
    fields.set(name, new JsonField(text.slice(at, end)))
    at = skipSpace(text, end)
    if (text[at] === "}") return ended(text, at, fields)
    if (text[at] !== ",") return noObject(text)
    at = skipSpace(text, at + 1)
  }
}

const ended = (text: string, at: number, fields: ReadonlyMap<string, JsonField>) =>
  skipSpace(text, at + 1) === text.length ? Result.succeed(fields) : noObject(text)

/** A name as a string; only one with an escape needs the parser. */
const nameOf = (text: string): string =>
  text.includes("\\") ? String(JSON.parse(text)) : text.slice(1, -1)

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
