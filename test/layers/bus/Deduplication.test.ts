import { assert, describe, it } from "@effect/vitest"
import {
  claimTtlMs,
  Deduplication,
  fingerprintOf,
  scopeOf
} from "../../../src/layers/bus/Deduplication.ts"
import { draft } from "./Drafts.ts"

const accepted = (claims: Deduplication, scope: string, now: number): void => {
  claims.begin(scope, "f", now)
  claims.accept(scope, "f", "id", now)
}

describe("idempotency keys", () => {
  it("behaviour 22, pitfall 32: count an hour from the first acceptance", () => {
    const claims = new Deduplication([], 0)
    accepted(claims, "a", 1_000)
    const end = 1_000 + claimTtlMs
    for (let now = 1_000; now < end; now += claimTtlMs / 7) {
      assert.strictEqual(claims.find("a", now)?.state, "Accepted")
    }
    assert.strictEqual(claims.find("a", end - 1)?.state, "Accepted")
    assert.isUndefined(claims.find("a", end))
  })

  it("count on for their whole hour while others come and generations turn", () => {
    const claims = new Deduplication([], 0)
    accepted(claims, "late", claimTtlMs - 1)
    accepted(claims, "turns", claimTtlMs)
    accepted(claims, "turns again", 2 * claimTtlMs - 2)
    assert.strictEqual(claims.find("late", 2 * claimTtlMs - 2)?.state, "Accepted")
    const parts = new Deduplication([], 0)
    ;[0.49, 0.5, 1, 1.1].forEach((part) => accepted(parts, `${part}`, part * claimTtlMs))
    assert.strictEqual(parts.find("0.49", 1.2 * claimTtlMs)?.state, "Accepted")
    accepted(claims, "much later", 4 * claimTtlMs)
    accepted(claims, "and later", 5 * claimTtlMs)
    assert.isAtMost(claims.size, 3)
    assert.strictEqual(claims.forgotten, 0)
  })

  it("of a former process count from when that accepted them", () => {
    const claim = {
      topic: "t",
      key: undefined,
      idempotencyKey: "i",
      fingerprint: "f",
      id: "first",
      acceptedAt: 500
    }
    const claims = new Deduplication([claim], 10_000)
    const scope = scopeOf("t", undefined, "i")
    const known = claims.find(scope, 500 + claimTtlMs - 1)
    assert.deepStrictEqual(known, { state: "Accepted", fingerprint: "f", id: "first", at: 500 })
    assert.isUndefined(claims.find(scope, 500 + claimTtlMs))
  })

  it("pitfall 34: are scoped by topic and message key, whatever characters these contain", () => {
    const parts = ["a", "a\0b", "a\",\"b", "b"]
    const scopes = parts.flatMap((topic) =>
      [undefined, ...parts].flatMap((key) => parts.map((i) => scopeOf(topic, key, i)))
    )
    assert.strictEqual(new Set(scopes).size, parts.length * (parts.length + 1) * parts.length)
    assert.notStrictEqual(scopeOf("t", undefined, "i"), scopeOf("t", "null", "i"))
  })

  it("are free again after a refusal", () => {
    const claims = new Deduplication([], 0)
    claims.begin("a", "f", 1)
    assert.strictEqual(claims.find("a", 1)?.state, "InFlight")
    claims.forget("a")
    assert.isUndefined(claims.find("a", 1))
  })

  it("pitfall 35: forget the oldest half when there are too many, and count it", () => {
    const claims = new Deduplication([], 0)
    for (let n = 0; n < 1_000_001; n++) accepted(claims, `${n}`, 1)
    assert.isAtMost(claims.size, 1_000_000)
    assert.strictEqual(claims.forgotten, 500_000)
    assert.isUndefined(claims.find("0", 1))
    assert.strictEqual(claims.find("1000000", 1)?.state, "Accepted")
    assert.strictEqual(claims.find("500000", 1)?.state, "Accepted")
  })

  it("tell bodies apart by payload, priority and headers", () => {
    const bodies = [
      draft("t", 1),
      draft("t", 2),
      draft("t", 1, { priority: 1 }),
      draft("t", 1, { headers: `{"a":"1"}` })
    ]
    assert.strictEqual(new Set(bodies.map(fingerprintOf)).size, bodies.length)
    assert.strictEqual(fingerprintOf(draft("t", 1)), fingerprintOf(draft("u", 1, { key: "k" })))
  })
})
