import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { filterProblems, FilterSpec } from "../../src/domain/Filter.ts"
import { compileFilter } from "../../src/domain/FilterPredicate.ts"
import { makeIds } from "../../src/domain/MessageId.ts"
import { ParsedMessage } from "../../src/domain/ParsedMessage.ts"
import { draft } from "../layers/bus/Drafts.ts"

const nextId = makeIds(() => 7, 0)

/** A message whose payload is this JSON text. */
const messageOf = (payload: string, headers?: string) => {
  const { payloadBytes: _, ...fields } = draft("orders.created", 0, { headers, priority: 5 })
  return { ...fields, payload, id: nextId(1, 0), publishedAt: 1, replayOf: undefined }
}

const passes = (spec: unknown, payload: string, headers?: string): boolean => {
  assert.deepStrictEqual(filterProblems(spec), [])
  const predicate = compileFilter(Schema.decodeUnknownSync(FilterSpec)(spec))
  return predicate(new ParsedMessage(messageOf(payload, headers)))
}

/** The rule as it is told, for one condition on a value that may be absent. */
const holds = (operator: string, operand: unknown, value: unknown): boolean => {
  const comparable = typeof value === typeof operand &&
    (typeof value === "number" || typeof value === "string")
  // oxlint-disable-next-line typescript/no-explicit-any -- Of one kind, as was just seen.
  const [a, b]: [any, any] = [value, operand]
  if (operator === "eq") return value === operand
  if (operator === "ne") return value !== operand
  if (operator === "in") return Array.isArray(operand) && operand.some((one) => one === value)
  if (operator === "exists") return operand === (value !== undefined)
  if (operator === "gt") return comparable && a > b
  if (operator === "gte") return comparable && a >= b
  return comparable && (operator === "lt" ? a < b : a <= b)
}

const scalar = Schema.Union([Schema.Null, Schema.Literals([true, false, 0, 1, -2.5, "", "a", "b"])])
const ordered = Schema.Literals([0, 1, -2.5, "", "a", "b"])
const name = Schema.Literals(["a", "b", "0", "__proto__", "length"])
const condition = Schema.Union([
  Schema.Struct({ operator: Schema.Literals(["eq", "ne"]), operand: scalar }),
  Schema.Struct({ operator: Schema.Literals(["gt", "gte", "lt", "lte"]), operand: ordered }),
  Schema.Struct({ operator: Schema.Literal("in"), operand: Schema.Array(scalar) }),
  Schema.Struct({ operator: Schema.Literal("exists"), operand: Schema.Boolean })
])
const conditions = Schema.NonEmptyArray(
  Schema.Struct({ names: Schema.Array(name).check(Schema.isMaxLength(2)), condition })
).check(Schema.isMaxLength(3))
const leaf = Schema.Union([scalar, Schema.Array(scalar)])
const payload = Schema.Array(Schema.Tuple([name, leaf, Schema.Boolean]))

/** JSON text of an object of these fields; `true` puts one an object deeper. */
const textOf = (fields: typeof payload.Type): string => {
  const known = new Map(fields.map(([field, value, deep]) => {
    const text = JSON.stringify(value)
    return [field, deep ? `{"a":${text},"__proto__":${text}}` : text] as const
  }))
  return `{${Array.from(known, ([field, text]) => `${JSON.stringify(field)}:${text}`).join(",")}}`
}

/** What is found by walking the names, as Maps of own entries see it. */
const walked = (value: unknown, names: ReadonlyArray<string>): unknown =>
  names.reduce<unknown>(
    (at, step) =>
      typeof at === "object" && at !== null ? new Map(Object.entries(at)).get(step) : undefined,
    value
  )

describe("a filter", () => {
  it.prop("behaviour 7, pitfall 43: passes what every condition, read one by one, holds for", {
    wanted: conditions,
    fields: payload
  }, ({ fields, wanted }) => {
    const text = textOf(fields)
    const value = JSON.parse(text)
    // One condition per path: the last one counts, as in any JSON object.
    const byPath = new Map(wanted.map((one) => [["payload", ...one.names].join("."), one]))
    const spec = Object.fromEntries(
      Array.from(byPath, ([path, { condition: { operand, operator } }]) => [
        path,
        { [operator]: operand }
      ])
    )
    const expected = Array.from(byPath.values()).every(({ condition, names }) =>
      holds(condition.operator, condition.operand, walked(value, names))
    )
    assert.strictEqual(passes(spec, text), expected, `${JSON.stringify(spec)} on ${text}`)
  }, { arbitrary: { runs: 2_000, seed: 7 } })

  it.each([
    [{ topic: { eq: "orders.created" } }, true],
    [{ key: { exists: false }, priority: { gte: 5, lt: 6 } }, true],
    [{ contentType: { exists: true } }, false],
    [{ "headers.x.y": { eq: "1" } }, true],
    [{ "headers.X.Y": { exists: false } }, true],
    [{ "headers.__proto__": { exists: true } }, false],
    [{ "payload.constructor": { exists: true } }, false],
    [{ "payload.list.length": { exists: true } }, false],
    [{ "payload.list.1": { eq: "b" } }, true],
    [{ "payload.text.0": { exists: true } }, false],
    [{ payload: { exists: true } }, true],
    [{ "payload.absent": { ne: 1 } }, true],
    [{ "payload.absent": { lte: 1 } }, false]
  ])("%j is %s", (spec, expected) => {
    const text = "{\"list\":[\"a\",\"b\"],\"text\":\"abc\"}"
    assert.strictEqual(passes(spec, text, "{\"x.y\":\"1\"}"), expected)
  })

  it("that is not usable is refused by the place and what was expected there", () => {
    const many = Object.fromEntries(
      Array.from({ length: 33 }, (_, n) => [`payload.n${n}`, { eq: n }])
    )
    const cases: ReadonlyArray<readonly [spec: unknown, path: ReadonlyArray<string>]> = [
      [[], []],
      ["x", []],
      [{}, []],
      [many, []],
      [{ "payload.a": {} }, ["payload.a"]],
      [{ "payload.a": 5 }, ["payload.a"]],
      [{ "payload.": { eq: 1 } }, ["payload."]],
      [{ "payload..a": { eq: 1 } }, ["payload..a"]],
      [{ [`payload${".a".repeat(17)}`]: { eq: 1 } }, [`payload${".a".repeat(17)}`]],
      [{ headers: { exists: true } }, ["headers"]],
      [{ id: { eq: "1" } }, ["id"]],
      [{ key: { like: "a%" } }, ["key", "like"]],
      [{ key: { eq: {} } }, ["key", "eq"]],
      [{ key: { eq: undefined } }, ["key", "eq"]],
      [{ key: { eq: Number.NaN } }, ["key", "eq"]],
      [{ key: { eq: "\ud800" } }, ["key", "eq"]],
      [{ key: { in: "a" } }, ["key", "in"]],
      [{ key: { in: new Array(257).fill(1) } }, ["key", "in"]],
      [{ key: { gt: true } }, ["key", "gt"]],
      [{ key: { exists: 1 } }, ["key", "exists"]],
      [JSON.parse("{\"__proto__\":{\"eq\":1}}"), ["__proto__"]],
      [JSON.parse("{\"key\":{\"eq\":\"a\",\"__proto__\":1}}"), ["key", "__proto__"]]
    ]
    for (const [spec, path] of cases) {
      const problems = filterProblems(spec)
      assert.deepStrictEqual(problems[0]?.path, path, JSON.stringify(spec))
      assert.match(problems[0]?.issue ?? "", /^expected /)
      assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(FilterSpec)(spec)))
    }
  })

  it("looks inside a payload only when its conditions on the envelope hold", () => {
    const predicate = compileFilter({ "payload.a": { eq: 1 }, key: { exists: true } })
    assert.isFalse(predicate(new ParsedMessage(messageOf("this would not parse"))))
  })
})
