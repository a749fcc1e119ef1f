import { assert, describe, it } from "@effect/vitest"
import { readSubscription } from "../../../../src/layers/log/sqlite/Rows.ts"

describe("a stored subscription", () => {
  it("of a version without filters, ages and modes competes for every message", () => {
    const options = {
      topic: "a.>",
      ordering: "topic",
      maxAttempts: 9,
      ackTimeoutMs: 1,
      from: "now"
    }
    const row = { incarnation: 7, name: "s", options, starts: [1] }
    assert.deepStrictEqual<object>(readSubscription(JSON.stringify(row)), {
      ...row,
      options: { ...options, mode: "compete" }
    })
  })

  it("keeps its filter, age and mode", () => {
    const filter = { "payload.n": { gte: 5, in: [null, "a"] } }
    const options = { topic: "a", mode: "broadcast", maxAgeMs: 5, filter }
    const row = { incarnation: 7, name: "s", options, starts: [] }
    assert.deepInclude(readSubscription(JSON.stringify(row)).options, options as object)
  })
})
