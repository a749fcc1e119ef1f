import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { splitArray } from "../../src/layers/edge/BatchSplitting.ts"
import { readFields } from "../../src/layers/edge/JsonFields.ts"
import { escapesWellFormed } from "../../src/layers/edge/Unicode.ts"

const Values = Schema.Record(Schema.String, Schema.Json)

describe("the scanner", () => {
  it.effect.prop("finds the fields of any object, and cuts out each value's own text", {
    object: Values,
    indent: Schema.Literals(["", " ", "\t", "\n"])
  }, ({ indent, object }) =>
    Effect.sync(() => {
      const fields = Result.getOrThrow(readFields(JSON.stringify(object, null, indent)))
      assert.deepStrictEqual(Array.from(fields.keys()), Object.keys(object))
      for (const [name, { text, value }] of fields) {
        const expected = Object.getOwnPropertyDescriptor(object, name)?.value
        assert.strictEqual(JSON.stringify(JSON.parse(text)), JSON.stringify(expected))
        assert.strictEqual(JSON.stringify(value), JSON.stringify(expected))
        assert.strictEqual(text, text.trim())
      }
    }), { arbitrary: { runs: 300 } })

  it.effect.prop("finds the items of any array", {
    array: Schema.Array(Schema.Json),
    indent: Schema.Literals(["", " ", "\n"])
  }, ({ array, indent }) =>
    Effect.sync(() => {
      const bytes = Buffer.from(JSON.stringify(array, null, indent))
      const spans = Result.getOrThrow(splitArray(bytes))
      assert.lengthOf(spans, array.length * 2)
      for (const [index, item] of array.entries()) {
        const text = bytes.subarray(spans[index * 2], spans[index * 2 + 1]).toString("utf8")
        assert.strictEqual(JSON.stringify(JSON.parse(text)), JSON.stringify(item))
      }
    }), { arbitrary: { runs: 300 } })

  it.effect.prop("sees half a surrogate pair in escapes exactly when the string has one", {
    units: Schema.Array(Schema.Literals([0x41, 0x5c, 0x22, 0xd83d, 0xde00, 0xdbff, 0xdc00]))
  }, ({ units }) =>
    Effect.sync(() => {
      const text = String.fromCharCode(...units)
      const escaped = units.map((unit) =>
        unit === 0x5c ? "\\\\" : unit === 0x22 ? "\\\"" : `\\u${unit.toString(16).padStart(4, "0")}`
      )
      assert.strictEqual(escapesWellFormed(`"${escaped.join("")}"`), text.isWellFormed())
      assert.strictEqual(escapesWellFormed(JSON.stringify(text)), text.isWellFormed())
    }), { arbitrary: { runs: 1_000 } })
})
