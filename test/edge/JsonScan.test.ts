import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { splitArray } from "../../src/layers/edge/BatchSplitting.ts"
import { readFields } from "../../src/layers/edge/JsonFields.ts"
import { skipSpace, skipValue } from "../../src/layers/edge/JsonScan.ts"
import { escapesWellFormed } from "../../src/layers/edge/Unicode.ts"

/** Whether the scanner takes the whole text for one value. */
const isValue = (text: string) => {
  const end = skipValue(text, skipSpace(text, 0))
  return end >= 0 && skipSpace(text, end) === text.length
}

const isJson = (text: string) => Result.isSuccess(Result.try(() => void JSON.parse(text)))

/** What mistakes in JSON are made of; an edit names one by its number. */
const pieces = [
  ...String.raw`{ } [ ] , : " "a" \ \n \u00e9 \u12 \x 0 - 1 01 .5 1. e E+ 1e5 -0.1E-2`.split(" "),
  ...["true", "fals", "false", "null", " ", "\t", "\n", "\u0000", "\u00a0", "\u00e9", "\u2028"]
]

const pieceOf = (number: number) => pieces[Math.abs(number) % pieces.length] ?? ""

/**
 * JSON text without the space between its tokens. Not by the parser: that of V8 13.6 takes a name
 * of one escape for another one that it saw before in an object of the same shape, as in
 * `{"x":1,"\\\\":2}` and `{"x":1,"\\"":2}`.
 */
const compact = (text: string) => text.replaceAll(/("(?:[^"\\]|\\.)*")|[ \t\n\r]+/g, "$1")

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
        assert.strictEqual(compact(text), JSON.stringify(expected))
        if (!text.includes("\\")) {
          assert.strictEqual(JSON.stringify(value), JSON.stringify(expected))
        }
        assert.strictEqual(text, text.trim())
      }
    }), { arbitrary: { runs: 300 } })

  it.effect.prop("takes for JSON exactly what the parser takes, however it is spoiled", {
    json: Schema.Json,
    indent: Schema.Literals(["", " "]),
    edits: Schema.Array(
      Schema.Struct({ at: Schema.Int, cut: Schema.Literals([0, 1, 2]), piece: Schema.Int })
    )
  }, ({ edits, indent, json }) =>
    Effect.sync(() => {
      const text = edits.reduce((before, { at, cut, piece }) => {
        const index = Math.abs(at) % (before.length + 1)
        return before.slice(0, index) + pieceOf(piece) + before.slice(index + cut)
      }, JSON.stringify(json, null, indent))
      assert.strictEqual(isValue(text), isJson(text), JSON.stringify(text))
    }), { arbitrary: { runs: 1_000 } })

  it.effect.prop("takes for JSON exactly what the parser takes, whatever it is made of", {
    numbers: Schema.Array(Schema.Int)
  }, ({ numbers }) =>
    Effect.sync(() => {
      const text = numbers.map(pieceOf).join("")
      assert.strictEqual(isValue(text), isJson(text), JSON.stringify(text))
    }), { arbitrary: { runs: 1_000 } })

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
