import { assert, describe, it } from "@effect/vitest"
import { readLeases, readSubscription, writeLeases } from "../../../src/layers/log/Rows.ts"

it("stored leases are read in both forms, with the order they keep or none", () => {
  const lease = { incarnation: 7, logLane: 3, offset: 5, attempt: 2, leaseUntil: 99 }
  const leases = [{ ...lease, order: "t\0\u00e9" }, { ...lease, offset: 6, order: undefined }]
  assert.deepStrictEqual(readLeases(writeLeases(leases)), leases)
  const first = new Uint8Array(Float64Array.from([7, 3, 5, 2, 99]).buffer)
  assert.deepStrictEqual(readLeases(first), [{ ...lease, order: undefined }])
  assert.deepStrictEqual(readLeases(new Uint8Array(0)), [])
})

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
