import { assert, describe, it } from "@effect/vitest"
import { bodyOf, contentScopeOf, isClaimed, scopeOf } from "../../src/domain/IdempotencyKey.ts"
import { draft } from "../layers/bus/Drafts.ts"

const parts = ["a", "a\0b", "a\",\"b", "b", "null"]
const keys = [undefined, ...parts]

describe("idempotency keys", () => {
  it("are scoped by topic and message key, whatever characters these contain (pitfall 34)", () => {
    const scopes = parts.flatMap((topic) =>
      keys.flatMap((key) => parts.map((i) => scopeOf(topic, key, i)))
    )
    assert.strictEqual(new Set(scopes).size, parts.length * keys.length * parts.length)
    assert.notStrictEqual(scopeOf("t", undefined, "i"), scopeOf("t", "null", "i"))
  })

  it("never meet a message whose content is its key", () => {
    const contents = parts.flatMap((topic) =>
      keys.flatMap((key) => parts.map((hash) => contentScopeOf(topic, key, hash)))
    )
    const explicit = parts.flatMap((topic) =>
      keys.flatMap((key) => [...parts, ...contents].map((i) => scopeOf(topic, key, i)))
    )
    assert.isEmpty(contents.filter((scope) => explicit.includes(scope)))
  })

  it("count to the end of their time, and not at it (behaviour 22)", () => {
    assert.deepStrictEqual([4, 5, 14, 15].map((now) => isClaimed(5, now, 10)), [
      true,
      true,
      true,
      false
    ])
  })

  it("tell bodies apart by payload, priority and headers, and by nothing else", () => {
    const bodies = [
      draft("t", 1),
      draft("t", 2),
      draft("t", 1, { priority: 1 }),
      draft("t", 1, { headers: `{"a":"1"}` }),
      draft("t", "{\"a\":\"1\"}1")
    ].map((one) => bodyOf(one).join(""))
    assert.strictEqual(new Set(bodies).size, bodies.length)
    const same = draft("u", 1, { key: "k", contentType: "text/plain", expiresAt: 7 })
    assert.deepStrictEqual(bodyOf(same), bodyOf(draft("t", 1)))
  })
})
