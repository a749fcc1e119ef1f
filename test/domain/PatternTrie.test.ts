import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { PatternTrie } from "../../src/domain/PatternTrie.ts"
import { matcher, TopicPattern } from "../../src/domain/TopicPattern.ts"

const pattern = Schema.decodeUnknownSync(TopicPattern)

const first = Schema.Literals(["a", "b", "*", "message_bus", "_reply"])
const segment = Schema.Literals(["a", "b", "*"])
const patterns = Schema.Array(
  Schema.Struct({
    first,
    rest: Schema.Array(segment).check(Schema.isMaxLength(3)),
    open: Schema.Boolean
  })
)
const topics = Schema.Struct({
  first: Schema.Literals(["a", "b", "message_bus", "_reply"]),
  rest: Schema.Array(Schema.Literals(["a", "b"])).check(Schema.isMaxLength(4))
})

describe("the trie of patterns", () => {
  it.prop("finds exactly the patterns that match, also after some went", {
    wanted: patterns,
    gone: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))),
    topic: topics
  }, ({ gone, topic, wanted }) => {
    const trie = new PatternTrie<number>()
    const all = wanted.map(({ first, open, rest }) =>
      pattern([first, ...rest, ...(open ? [">"] : [])].join("."))
    )
    all.forEach((text, at) => trie.set(text, `s${at}`, at))
    for (const at of gone) trie.delete(all[at] ?? "c.>", `s${at}`)
    const name = [topic.first, ...topic.rest].join(".")
    const expected = all.flatMap((text, at) =>
      !gone.includes(at) && matcher(text)(name) ? [at] : []
    )
    assert.deepStrictEqual(trie.match(name).toSorted((a, b) => a - b), expected, name)
  }, { arbitrary: { runs: 3_000, seed: 45 } })

  it("replaces a value under its pattern and name, and forgets what nothing needs", () => {
    const trie = new PatternTrie<number>()
    trie.set("a.*.c", "s", 1)
    trie.set("a.*.c", "s", 2)
    assert.deepStrictEqual(trie.match("a.b.c"), [2])
    trie.delete("a.*.c", "other")
    trie.delete("a.*.c", "s")
    assert.deepStrictEqual(trie.match("a.b.c"), [])
    assert.strictEqual(trie.visited, 1) // Nothing but the root is left.
  })

  it("looks a topic up by its segments, however many patterns there are", () => {
    const cost = (count: number) => {
      const trie = new PatternTrie<number>()
      for (let n = 0; n < count; n++) {
        trie.set(`tenant-${n}.orders.*`, `s${n}`, n)
        trie.set(`tenant-${n}.>`, `t${n}`, n)
        trie.set(`*.orders.item-${n}`, `u${n}`, n)
      }
      assert.lengthOf(trie.match("tenant-7.orders.item-5"), 3)
      return trie.visited
    }
    assert.strictEqual(cost(10_000), cost(10))
    assert.isAtMost(cost(10_000), 8)
  })
})
