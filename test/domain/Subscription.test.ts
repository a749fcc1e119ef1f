import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  compare,
  conflictingField,
  optionsDefault,
  SubscriptionName,
  SubscriptionOptions
} from "../../src/domain/Subscription.ts"

const options = (more: object = {}) =>
  Schema.decodeUnknownSync(SubscriptionOptions)({ ...optionsDefault, topic: "a.*", ...more })

const different = [
  { topic: "a.>" },
  { ordering: "topic" },
  { ordering: "none" },
  { from: "earliest" },
  { mode: "broadcast" },
  { maxAgeMs: 60_000 },
  { filter: { "payload.n": { gte: 5 } } }
]

describe("a subscription", () => {
  it("that is asked for again as it is, stays", () =>
    assert.strictEqual(compare(options(), options()), "Same"))

  it("takes other limits", () => {
    assert.strictEqual(compare(options(), options({ maxAttempts: 9 })), "Changed")
    assert.strictEqual(compare(options(), options({ ackTimeoutMs: 1_000 })), "Changed")
  })

  it.each(different)("asked for with %j is a conflict, also when its limits differ", (more) => {
    assert.isUndefined(compare(options(), options(more)))
    assert.isUndefined(compare(options(more), options({ maxAttempts: 9 })))
  })

  it("has 4 attempts of 30 s, ordered by key, from now on, unless told otherwise", () =>
    assert.deepStrictEqual(optionsDefault, {
      ordering: "key",
      maxAttempts: 4,
      ackTimeoutMs: 30_000,
      from: "now",
      mode: "compete"
    }))

  it("has the same filter in whatever order it is written", () => {
    const filter = { "payload.n": { gte: 5, lt: 9 }, key: { exists: true } }
    const turned = { key: { exists: true }, "payload.n": { lt: 9, gte: 5 } }
    assert.strictEqual(compare(options({ filter }), options({ filter: turned })), "Same")
    const other = { ...filter, key: { exists: false } }
    assert.strictEqual(conflictingField(options({ filter }), options({ filter: other })), "filter")
    assert.strictEqual(conflictingField(options(), options({ filter })), "filter")
  })

  it("keeps its limits within their ranges", () => {
    const allowed = (more: object) =>
      Schema.is(SubscriptionOptions)({ ...optionsDefault, topic: "a", ...more })
    for (const ackTimeoutMs of [1_000, 3_600_000]) assert.isTrue(allowed({ ackTimeoutMs }))
    for (const ackTimeoutMs of [999, 3_600_001, 1.5]) assert.isFalse(allowed({ ackTimeoutMs }))
    for (const maxAgeMs of [1, 31_536_000_000]) assert.isTrue(allowed({ maxAgeMs }))
    for (const maxAgeMs of [0, 31_536_000_001, 1.5]) assert.isFalse(allowed({ maxAgeMs }))
    for (const maxAttempts of [1, 1_000]) assert.isTrue(allowed({ maxAttempts }))
    for (const maxAttempts of [0, 1_001, -1]) assert.isFalse(allowed({ maxAttempts }))
  })

  it("is named by segments of letters, digits, '_' and '-', at most 200 characters", () => {
    const allowed = Schema.is(SubscriptionName)
    for (const name of ["a", "billing.eu-1", "__proto__", "a".repeat(200)]) {
      assert.isTrue(allowed(name), name)
    }
    for (const name of ["", "a b", "a/b", "a..b", ".", "a\n", "é", "a".repeat(201)]) {
      assert.isFalse(allowed(name), JSON.stringify(name))
    }
  })
})
