import { assert, describe, it } from "@effect/vitest"
import { Decisions, decisionsMax } from "../../../src/layers/bus/Decisions.ts"

const made = (subject: string, kind = "gate") => ({
  kind,
  subject,
  rule: "a rule",
  inputs: { fill: 0.8 },
  outcome: "Closed"
})

describe("decisions", () => {
  it("stand in the order in which they were made and are found by kind and subject", () => {
    const decisions = new Decisions()
    decisions.add(made("shard 1"), 5)
    decisions.add(made("shard 2"), 6)
    decisions.add(made("shard 1", "resize"), 7)
    assert.deepStrictEqual(decisions.list({}, -1, 10).map(({ id }) => id), [0, 1, 2])
    assert.deepStrictEqual(decisions.list({}, 0, 1).map(({ id }) => id), [1])
    assert.deepStrictEqual(decisions.list({ subject: "shard 1" }, -1, 9).map(({ at }) => at), [
      5,
      7
    ])
    assert.deepStrictEqual(decisions.list({ kind: "resize" }, -1, 9), [
      { id: 2, at: 7, ...made("shard 1", "resize"), skipped: 0 }
    ])
  })

  it("keep the newest 10,000", () => {
    const decisions = new Decisions()
    for (let id = 0; id < decisionsMax + 5; id++) decisions.add(made(`shard ${id}`), id)
    const all = decisions.list({}, -1, Infinity)
    assert.strictEqual(all.length, decisionsMax)
    assert.strictEqual(all[0]?.id, 5)
    assert.strictEqual(all[all.length - 1]?.id, decisionsMax + 4)
  })

  it("keep one of a flood per kind, subject and second, with the number of the others", () => {
    const decisions = new Decisions()
    for (let at = 0; at < 2_500; at++) {
      decisions.sample(made("shard 1", "refusal"), at)
      decisions.sample(made("shard 2", "refusal"), at)
    }
    const kept = decisions.list({ subject: "shard 1" }, -1, 10)
    assert.deepStrictEqual(kept.map(({ at, skipped }) => [at, skipped]), [
      [0, 0],
      [1_000, 999],
      [2_000, 999]
    ])
    assert.strictEqual(decisions.made, 6)
  })
})
