import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import {
  admit,
  after,
  type CallOutcome,
  type Circuit,
  circuitPolicyDefault,
  closed,
  policyIssue,
  seen
} from "../../src/domain/Circuit.ts"

const policy = circuitPolicyDefault
const openMs = Duration.toMillis(policy.openFor)

/** The circuit after calls of these outcomes, one after the other at `now`. */
const afterCalls = (circuit: Circuit, now: number, ...outcomes: ReadonlyArray<CallOutcome>) =>
  outcomes.reduce((state, outcome) => {
    const { circuit: admitted } = admit(state, now)
    return after(admitted, { generation: admitted.generation, now, outcome }, policy)
  }, circuit)

const failures = (count: number) => Array.from({ length: count }, () => "Failed" as const)
const opened = afterCalls(closed, 0, ...failures(5))

describe("a circuit", () => {
  it("opens after 5 failures for 60 s and needs 3 successes (behaviour 58)", () => {
    assert.deepStrictEqual([policy.failuresMax, openMs, policy.successesNeeded], [5, 60_000, 3])
    assert.deepStrictEqual(closed, { _tag: "Closed", generation: 0, failures: 0 })
    for (const wrong of [0, -1, 1.5, Number.NaN]) {
      assert.strictEqual(policyIssue({ ...policy, failuresMax: wrong })?.field, "failuresMax")
      const needed = policyIssue({ ...policy, successesNeeded: wrong })
      assert.strictEqual(needed?.field, "successesNeeded")
    }
    assert.strictEqual(policyIssue({ ...policy, openFor: Duration.zero })?.field, "openFor")
    assert.isUndefined(policyIssue(policy))
  })

  it("stays closed below the threshold, and opens at it (behaviour 59)", () => {
    assert.strictEqual(afterCalls(closed, 0, ...failures(4))._tag, "Closed")
    assert.strictEqual(opened._tag, "Open")
    const late = { generation: 0, now: 9, outcome: "Failed" } as const
    assert.strictEqual(after(opened, late, policy), opened, "more failures keep it as it is")
    const mixed = afterCalls(closed, 0, ...failures(4), "Succeeded", ...failures(4))
    assert.strictEqual(mixed._tag, "Closed", "a success begins the count anew")
  })

  it("refuses calls until its time has passed, exactly (behaviour 60)", () => {
    const before = admit(opened, openMs - 1)
    assert.deepStrictEqual([before.isAdmitted, before.retryAfterMs], [false, 1])
    assert.isTrue(admit(opened, openMs).isAdmitted)
  })

  it("lets a trial through as soon as the dependency has shown that it is there", () => {
    assert.isTrue(admit(seen(opened, 10), 10).isAdmitted)
    assert.isFalse(admit(seen(opened, 10), 9).isAdmitted)
    assert.strictEqual(seen(closed, 10), closed)
  })

  it("lets one trial through at a time then (behaviour 61)", () => {
    const first = admit(opened, openMs)
    assert.strictEqual(first.circuit._tag, "HalfOpen")
    assert.isFalse(admit(first.circuit, openMs).isAdmitted)
  })

  it("closes after 3 good trials, opens anew after a bad one (behaviour 62)", () => {
    const two = afterCalls(opened, openMs, "Succeeded", "Succeeded")
    assert.strictEqual(two._tag, "HalfOpen")
    const three = afterCalls(two, openMs, "Succeeded")
    assert.deepInclude(three, { _tag: "Closed", failures: 0 })
    const again = afterCalls(two, openMs + 5, "Failed")
    assert.deepInclude(again, { _tag: "Open", until: openMs + 5 + openMs })
  })

  it("an abandoned trial makes room for the next one (pitfall 28)", () => {
    const abandoned = afterCalls(opened, openMs, "Abandoned")
    assert.isTrue(admit(abandoned, openMs).isAdmitted)
    assert.strictEqual(afterCalls(closed, 0, ...failures(4), "Abandoned", "Failed")._tag, "Open")
  })

  it("ignores what began before its state changed (behaviour 63)", () => {
    const trial = admit(opened, openMs).circuit
    const stale = after(trial, { generation: 0, now: openMs, outcome: "Succeeded" }, policy)
    assert.strictEqual(stale, trial)
  })
})
