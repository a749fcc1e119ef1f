import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Progress from "../../src/domain/Progress.ts"

const offset = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
const steps = Schema.Array(
  Schema.Struct({ act: Schema.Literals(["settle", "settle", "settle", "raise"]), offset })
).check(Schema.isMaxLength(60))

/** Ascending, apart from each other and from the floor, and none of them empty. */
const wellFormed = ({ floor, ranges }: Progress.Progress): boolean =>
  ranges.length % 2 === 0 &&
  ranges.every((edge, index) => edge > (index === 0 ? floor : ranges[index - 1] ?? edge))

describe("progress", () => {
  it.prop("settles what a plain set of offsets settles, whatever the order", {
    start: offset,
    steps
  }, ({ start, steps }) => {
    const model = new Set(Array.from({ length: start }, (_, settled) => settled))
    const progress = steps.reduce((before, step) => {
      const snapshot = structuredClone(before)
      const after = Progress[step.act](before, step.offset)
      assert.deepStrictEqual(before, snapshot)
      if (step.act === "settle") model.add(step.offset)
      else for (let below = 0; below < step.offset; below++) model.add(below)
      return after
    }, Progress.startingAt(start))
    for (let one = 0; one <= 45; one++) {
      assert.strictEqual(Progress.isSettled(progress, one), model.has(one), `offset ${one}`)
    }
    assert.isTrue(wellFormed(progress), JSON.stringify(progress))
    const between = Progress.settledBetween(progress, 5, 30).flatMap(([from, to]) =>
      Array.from({ length: to - from }, (_, at) => from + at)
    )
    const expected = Array.from({ length: 25 }, (_, at) => 5 + at).filter((one) => model.has(one))
    assert.deepStrictEqual(between, expected)
    assert.isFalse(model.has(progress.floor), `the floor ${progress.floor} is settled itself`)
  }, { arbitrary: { runs: 1_000, seed: 9 } })

  it.prop("does not depend on the order of what was settled", {
    offsets: Schema.Array(offset)
  }, ({ offsets }) => {
    const settleAll = (all: ReadonlyArray<number>) =>
      all.reduce(Progress.settle, Progress.startingAt(0))
    assert.deepStrictEqual(settleAll(offsets), settleAll(offsets.toSorted((a, b) => b - a)))
    assert.deepStrictEqual(settleAll([...offsets, ...offsets]), settleAll(offsets))
  }, { arbitrary: { runs: 500, seed: 10 } })

  it("keeps one range for what lies side by side, and none once the floor reaches it", () => {
    const ahead = [3, 5, 4, 9].reduce(Progress.settle, Progress.startingAt(1))
    assert.deepStrictEqual(ahead, { floor: 1, ranges: [3, 6, 9, 10] })
    assert.deepStrictEqual(Progress.settle(ahead, 1), { floor: 2, ranges: [3, 6, 9, 10] })
    const joined = Progress.settle(Progress.settle(ahead, 1), 2)
    assert.deepStrictEqual(joined, { floor: 6, ranges: [9, 10] })
    assert.deepStrictEqual(Progress.raise(ahead, 4), { floor: 6, ranges: [9, 10] })
    assert.deepStrictEqual(Progress.raise(ahead, 12), { floor: 12, ranges: [] })
  })
})
