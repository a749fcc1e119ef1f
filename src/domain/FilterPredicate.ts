/**
 * The predicate of a filter, compiled once per subscription.
 *
 * A path names own properties only: `__proto__` and `constructor` are ordinary names, absent unless
 * the payload has them. Arrays have their indices and nothing else.
 */
import type { Condition, FilterSpec, Scalar } from "./Filter.ts"
import type { ParsedMessage } from "./ParsedMessage.ts"

/** Whether a message passes. Never throws. */
export type FilterPredicate = (parsed: ParsedMessage) => boolean

type Read = (parsed: ParsedMessage) => unknown
type Test = (value: unknown) => boolean

/** The predicate of a checked specification. */
export const compileFilter = (spec: FilterSpec): FilterPredicate => {
  const conditions = Object.entries(spec)
    .map(([path, condition]) => ({ read: reader(path), tests: testsOf(condition) }))
    .toSorted((a, b) => Number(looksInside(a.read)) - Number(looksInside(b.read)))
  return (parsed) =>
    conditions.every(({ read, tests }) => {
      const value = read(parsed)
      return tests.every((test) => test(value))
    })
}

const envelope: Readonly<Record<string, Read>> = {
  key: ({ message }) => message.key,
  priority: ({ message }) => message.priority,
  topic: ({ message }) => message.topic,
  contentType: ({ message }) => message.contentType
}

/** Conditions on the envelope go first: where one fails, nothing is parsed. */
const looksInside = (read: Read): boolean => !Object.values(envelope).includes(read)

/** How to read what a path names; `undefined` is absent. A header's name may have dots. */
const reader = (path: string): Read => {
  const ofEnvelope = Object.hasOwn(envelope, path) ? envelope[path] : undefined
  if (ofEnvelope !== undefined) return ofEnvelope
  if (path.startsWith("headers.")) {
    const name = path.slice("headers.".length)
    return ({ headers }) => ownValue(headers, name)
  }
  const names = path.split(".").slice(1)
  return ({ payload }) => names.reduce(ownValue, payload)
}

const index = /^(0|[1-9]\d*)$/

const ownValue = (value: unknown, name: string): unknown => {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined
  if (Array.isArray(value) && !index.test(name)) return undefined // Not its length.
  return Reflect.get(value, name)
}

const ordered = (wanted: Scalar, holds: (value: string | number) => boolean): Test => (value) =>
  typeof value === typeof wanted && (typeof value === "number" || typeof value === "string") &&
  holds(value)

const testsOf = (condition: Condition): ReadonlyArray<Test> => {
  const { eq, exists, gt, gte, in: list, lt, lte, ne } = condition
  const tests: ReadonlyArray<Test | undefined> = [
    eq === undefined ? undefined : (value) => value === eq,
    ne === undefined ? undefined : (value) => value !== ne,
    list === undefined ? undefined : isAmong(list),
    gt === undefined ? undefined : ordered(gt, (value) => value > gt),
    gte === undefined ? undefined : ordered(gte, (value) => value >= gte),
    lt === undefined ? undefined : ordered(lt, (value) => value < lt),
    lte === undefined ? undefined : ordered(lte, (value) => value <= lte),
    exists === undefined ? undefined : (value) => (value !== undefined) === exists
  ]
  return tests.filter((test) => test !== undefined)
}

const isAmong = (list: ReadonlyArray<Scalar>): Test => {
  const values = new Set<unknown>(list)
  return (value) => values.has(value)
}
