/**
 * The text of a keys file, and everything that is wrong with it.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { ApiKey, keysMax } from "../../domain/ApiKey.ts"

/** One fault: where it stands in the file, such as `[3].topics[0]`, and what is expected there. */
export interface Fault {
  readonly where: string
  readonly expected: string
}

/** Largest keys file in bytes: 10,000 keys with some forty topics each. */
export const fileBytesMax = 16 * 1_048_576

/** Faults that are named; a file with more has one cause. */
export const faultsMax = 100

const decode = Schema.decodeUnknownExit(Schema.Array(ApiKey), {
  errors: "all",
  onExcessProperty: "error"
})

/** The keys of a file, or its faults. */
export const parseKeys = (
  text: string
): Result.Result<ReadonlyArray<ApiKey>, ReadonlyArray<Fault>> => {
  const json = Result.try({ try: (): unknown => JSON.parse(text), catch: () => undefined })
  if (Result.isFailure(json)) return whole("a JSON array of keys: this is not JSON")
  if (!Array.isArray(json.success)) return whole("a JSON array of keys")
  if (json.success.length > keysMax) return whole(`at most ${keysMax} keys`)
  const exit = decode(json.success)
  if (Exit.isSuccess(exit)) return withoutTwins(exit.value)
  const error = Cause.findErrorOption(exit.cause)
  return Option.isSome(error)
    ? Result.fail(issuesOf(error.value.issue).issues.slice(0, faultsMax).map(faultOf))
    : whole("a JSON array of keys")
}

const whole = (expected: string) => Result.fail([{ where: "the file", expected }])

const withoutTwins = (keys: ReadonlyArray<ApiKey>) => {
  const firsts = new Map<string, number>()
  const faults: Array<Fault> = []
  keys.forEach(({ id }, index) => {
    const first = firsts.get(id)
    if (first === undefined) firsts.set(id, index)
    else faults.push({ where: `[${index}].id`, expected: `another id than that of [${first}]` })
  })
  return faults.length === 0 ? Result.succeed(keys) : Result.fail(faults.slice(0, faultsMax))
}

/** The value is never repeated: whatever was written there may be a secret. */
const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "UnexpectedKey"
      ? "nothing: there is no such field"
      : issue._tag === "MissingKey"
      ? "a value: the field is required"
      : SchemaIssue.defaultLeafHook(issue)
})

type Issue = ReturnType<typeof issuesOf>["issues"][number]

const faultOf = ({ message, path }: Issue): Fault => ({
  where: (path ?? []).map((part) => {
    const key = typeof part === "object" ? part.key : part
    return typeof key === "number" ? `[${key}]` : `.${String(key).slice(0, nameLengthMax)}`
  }).join(""),
  expected: message.replace(/^expected /i, "").replace(/, got .*$/s, "")
})

/** Longest name of an unknown field that is shown, in characters. */
const nameLengthMax = 60
