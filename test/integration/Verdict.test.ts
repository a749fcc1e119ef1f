/**
 * The judge of the fault tests, before whom every broken promise must show.
 */
import { assert, describe, it } from "@effect/vitest"
import { none, placeOf, type Received, Records, type Sent, verdictOf } from "./Verdict.ts"

const sentOf = (key: string, n: number): Sent => ({ key, n, sha256: `${key}${n}` })
const sent = new Map(
  ["a", "b"].flatMap((key) => [1, 2, 3].map((n) => sentOf(key, n))).map((one) => [
    placeOf(one),
    one
  ])
)

/** Everything sent was accepted, delivered once, in order, and acknowledged. */
const perfect = (): Records => {
  const records = new Records()
  for (const [id, one] of sent) {
    records.accepted.set(id, one)
    deliver(records, { ...one, id, attempt: 1 })
    records.effects.set(id, 1)
  }
  records.answered(202)
  return records
}

const deliver = (records: Records, one: Received) => {
  records.received.push(one)
  records.seen.add(one.id)
}

describe("the judge of fault tests", () => {
  it("finds nothing in a perfect run", () => {
    assert.deepInclude(verdictOf(perfect(), sent), { ...none, redelivered: 0, accepted: 6 })
  })

  it("counts what was accepted and not delivered", () => {
    const records = perfect()
    records.accepted.set("lost", sentOf("a", 4))
    assert.strictEqual(verdictOf(records, sent).lost, 1)
    assert.isFalse(records.isComplete)
  })

  it("counts first deliveries out of order, and forgives repeats", () => {
    const records = perfect()
    deliver(records, { ...sentOf("a", 1), id: "a#1", attempt: 2 })
    assert.deepInclude(verdictOf(records, sent), { inversions: 0, redelivered: 1 })
    deliver(records, { ...sentOf("b", 2), id: "another", attempt: 1 })
    assert.strictEqual(verdictOf(records, sent).inversions, 1)
  })

  it("counts what was never sent, and what came back changed or under another's id", () => {
    const records = perfect()
    deliver(records, { ...sentOf("c", 1), id: "c", attempt: 1 })
    deliver(records, { ...sentOf("b", 3), sha256: "?", id: "b#3", attempt: 1 })
    deliver(records, { ...sentOf("b", 3), id: "a#3", attempt: 1 })
    assert.strictEqual(verdictOf(records, sent).phantoms, 3)
  })

  it("counts messages that took effect twice, and answers of the server's own fault", () => {
    const records = perfect()
    records.effects.set("a#1", 2)
    records.answered(503)
    records.answered(0)
    assert.deepInclude(verdictOf(records, sent), { duplicates: 1, fiveXx: 1, unanswered: 1 })
  })
})
