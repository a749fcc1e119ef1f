import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Frame from "../../src/domain/Frame.ts"

const Item = Schema.Struct({
  head: Schema.Array(Schema.Union([Schema.String, Schema.Int, Schema.Null])),
  text: Schema.String
})

describe("a frame", () => {
  it.effect.prop(
    "gives back every head and every text, whatever characters they hold",
    { items: Schema.Array(Item) },
    ({ items }) =>
      Effect.sync(() => {
        // JSON, of which heads are made, has no negative zero.
        const heads = items.map(({ head }) => head.map((one) => one === 0 ? 0 : one))
        const frame = { heads, texts: items.map(({ text }) => text) }
        assert.deepStrictEqual(Frame.decode(Frame.encode(frame)), frame)
      }),
    { arbitrary: { runs: 300 } }
  )

  it("keeps texts apart that look like its index, are empty or break a pair of code units", () => {
    const texts = ["", "12:[[],[]]", "\ud83d", "\ude00", "é😀\u2028", "0:", ""]
    const frame = { heads: texts.map((_, at) => ({ at })), texts }
    assert.deepStrictEqual(Frame.decode(Frame.encode(frame)), frame)
    assert.deepStrictEqual(Frame.decode(Frame.encode({ heads: [], texts: [] })), {
      heads: [],
      texts: []
    })
  })
})
