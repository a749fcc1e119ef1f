import { assert, describe, it } from "@effect/vitest"
import {
  carry,
  contextBytesMax,
  contextEntriesMax,
  type ContextValues,
  merge,
  nothing
} from "../../src/domain/ExecutionContext.ts"

const many = (count: number): ContextValues =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, "v"]))

describe("the execution context", () => {
  it("merges, overwrites, and is empty without values (behaviour 42)", () => {
    const first = merge(nothing.values, { a: "1", b: "2" })
    assert.deepStrictEqual(first, { values: { a: "1", b: "2" }, text: `{"a":"1","b":"2"}` })
    const second = merge({ a: "1", b: "2" }, { b: "3", c: "4" })
    assert.deepStrictEqual(second, {
      values: { a: "1", b: "3", c: "4" },
      text: `{"a":"1","b":"3","c":"4"}`
    })
    assert.strictEqual(merge({}, {}), nothing)
  })

  it("is a value that nobody can change (behaviour 43)", () => {
    const values = { a: "1" }
    const carried = merge({}, values)
    values.a = "2"
    assert.isTrue(typeof carried === "object" && Object.isFrozen(carried.values))
    assert.deepStrictEqual(typeof carried === "object" && carried.values, { a: "1" })
  })

  it("takes names that mean something to JavaScript as mere names", () => {
    const carried = merge({}, JSON.parse(`{"__proto__":"x","constructor":"y"}`))
    assert.strictEqual(
      typeof carried === "object" ? carried.text : "",
      `{"__proto__":"x","constructor":"y"}`
    )
  })

  it("has limits of entries and bytes, inclusive, and takes well-formed texts only", () => {
    assert.isObject(carry(many(contextEntriesMax)))
    assert.isString(carry(many(contextEntriesMax + 1)))
    const frame = `{"a":""}`.length
    assert.isObject(carry({ a: "x".repeat(contextBytesMax - frame) }))
    assert.isString(carry({ a: "x".repeat(contextBytesMax - frame + 1) }))
    assert.isString(carry({ a: "ä".repeat(contextBytesMax / 2) }))
    assert.isString(carry({ a: "\ud800" }))
    for (const wrong of ["1", `"text"`, "null", "[]", `{"a":1}`, `{"a":null}`]) {
      assert.isString(merge({}, JSON.parse(wrong)), wrong)
    }
  })
})
