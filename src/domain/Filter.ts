/**
 * Filters: which of the messages that a pattern names a subscription wants.
 *
 * A specification maps paths to conditions, `{"payload.amount": {"gte": 5}}`, and all of them must
 * hold. It is data, not code: it is stored, shown and compared, and no input makes it slow. Every
 * limit is checked when it is read, so that evaluating it needs no checks.
 */
import * as Schema from "effect/Schema"
import type { Message } from "./Message.ts"

/** What a condition compares with. */
export type Scalar = string | number | boolean | null

/** What must hold for the value at one path; all that is given. */
export interface Condition {
  readonly eq?: Scalar
  /** The opposite of `eq`: an absent value passes. */
  readonly ne?: Scalar
  readonly in?: ReadonlyArray<Scalar>
  /** Numbers by size, texts by UTF-16 code units; values of another kind never pass. */
  readonly gt?: number | string
  readonly gte?: number | string
  readonly lt?: number | string
  readonly lte?: number | string
  /** Whether there is a value; `null` is one. */
  readonly exists?: boolean
}

/** Conditions by path. */
export type FilterSpec = Readonly<Record<string, Condition>>

/** Whether a message passes. Throwing is an error of its subscription, and does not pass. */
export type FilterFunction = (payload: unknown, message: Message) => boolean

/** Limits of one filter: how many conditions, how deep a path, how long `in` and a text may be. */
export const filterLimits = {
  conditionsMax: 32,
  pathDepthMax: 16,
  pathLengthMax: 256,
  inMax: 256,
  textLengthMax: 1_024
} as const

/** Fields of a message that a path may be, whole. */
export const messageFields = ["key", "priority", "topic", "contentType"] as const

const comparisons: ReadonlySet<string> = new Set(["gt", "gte", "lt", "lte"])
const operators: ReadonlySet<string> = new Set(["eq", "ne", "in", ...comparisons, "exists"])

const pathExpected =
  "expected payload, payload.<name>..., headers.<name>, key, priority, topic or contentType"
const operatorExpected = `expected one or more of ${[...operators].join(", ")}`
const scalarExpected =
  `expected null, true, false, a finite number or text of at most ${filterLimits.textLengthMax} ` +
  "characters"

/** What is wrong with a specification, and where in it. */
export interface FilterProblem {
  readonly path: ReadonlyArray<string>
  readonly issue: string
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isScalar = (value: unknown): boolean =>
  value === null || typeof value === "boolean" || Number.isFinite(value) ||
  (typeof value === "string" && value.length <= filterLimits.textLengthMax &&
    value.isWellFormed())

const pathProblem = (path: string): string | undefined => {
  const { pathDepthMax, pathLengthMax } = filterLimits
  if (path.length > pathLengthMax) return `expected a path of at most ${pathLengthMax} characters`
  if (messageFields.some((field) => field === path) || path === "payload") return undefined
  if (path.startsWith("headers.") && path.length > "headers.".length) return undefined
  const [root, ...names] = path.split(".")
  if (root !== "payload" || names.includes("")) return pathExpected
  return names.length > pathDepthMax ? `expected at most ${pathDepthMax} names` : undefined
}

const operandProblem = (operator: string, operand: unknown): string | undefined => {
  if (!operators.has(operator)) return operatorExpected
  if (operator === "exists") {
    return typeof operand === "boolean" ? undefined : "expected true or false"
  }
  if (operator === "in") {
    return Array.isArray(operand) && operand.length <= filterLimits.inMax && operand.every(isScalar)
      ? undefined
      : `expected an array of at most ${filterLimits.inMax} values; of each: ${scalarExpected}`
  }
  if (!isScalar(operand)) return scalarExpected
  return comparisons.has(operator) && typeof operand !== "number" && typeof operand !== "string"
    ? "expected a number or text to compare with"
    : undefined
}

const conditionProblems = (path: string, condition: unknown): ReadonlyArray<FilterProblem> => {
  if (!isObject(condition)) return [{ path: [path], issue: operatorExpected }]
  const found = Object.keys(condition)
  if (found.length === 0) return [{ path: [path], issue: operatorExpected }]
  return found.flatMap((operator) => {
    const issue = operandProblem(operator, condition[operator])
    return issue === undefined ? [] : [{ path: [path, operator], issue }]
  })
}

/** Everything that is wrong with a specification; nothing when it can be used. */
export const filterProblems = (spec: unknown): ReadonlyArray<FilterProblem> => {
  if (!isObject(spec)) return [{ path: [], issue: "expected an object of conditions by path" }]
  const paths = Object.keys(spec)
  const { conditionsMax } = filterLimits
  const count = paths.reduce((sum, path) => {
    const condition = spec[path]
    return sum + (isObject(condition) ? Math.max(1, Object.keys(condition).length) : 1)
  }, 0)
  if (count === 0) return [{ path: [], issue: "expected at least one condition, or no filter" }]
  if (count > conditionsMax) {
    return [{ path: [], issue: `expected at most ${conditionsMax} conditions` }]
  }
  return paths.flatMap((path) => {
    const issue = pathProblem(path)
    return issue === undefined ? conditionProblems(path, spec[path]) : [{ path: [path], issue }]
  })
}

/**
 * A checked specification. Not built of schemas of its parts: those would copy it, and a copy
 * made by assignment loses a field named `__proto__` in silence.
 */
export const FilterSpec: Schema.declare<FilterSpec> = Schema.declare((value): value is FilterSpec =>
  isObject(value)
).check(Schema.makeFilter(filterProblems))

/** Whether two specifications say the same, in whatever order. */
export const sameFilter = (a: FilterSpec | undefined, b: FilterSpec | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && canonicalFilter(a) === canonicalFilter(b))

/** The one text of all specifications that say the same. */
export const canonicalFilter = (spec: FilterSpec): string =>
  JSON.stringify(
    Object.entries(spec).map(([path, condition]) => [path, byName(Object.entries(condition))])
      .toSorted(compareNames)
  )

const byName = (entries: ReadonlyArray<readonly [string, unknown]>) =>
  entries.toSorted(compareNames)

const compareNames = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>): number =>
  String(a[0]) < String(b[0]) ? -1 : 1
