import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { highPerNormal, laneName, laneOf, lanes, Priority } from "../../src/domain/Priority.ts"

describe("a priority", () => {
  it("behaviours 16, 18: chooses the high lane from 5 upwards", () => {
    const all = Array.from({ length: 10 }, (_, priority) => priority)
    assert.deepStrictEqual(all.filter((one) => laneOf(one) === lanes.high), [5, 6, 7, 8, 9])
    assert.deepStrictEqual(all.filter((one) => laneOf(one) === lanes.normal), [0, 1, 2, 3, 4])
  })

  it("behaviours 16, 17: of 0, 5, 9 and 4 takes 5, 9, 0, 4: lanes are never sorted", () => {
    const queued = [0, 5, 9, 4]
    assert.deepStrictEqual(queued.toSorted((a, b) => laneOf(a) - laneOf(b)), [5, 9, 0, 4])
  })

  it("behaviour 18: leaves one place in nine to the normal lane", () =>
    assert.strictEqual(highPerNormal, 8))

  it("is a whole number from 0 to 9", () => {
    const allowed = Schema.is(Priority)
    assert.isTrue([0, 5, 9].every(allowed))
    assert.isFalse([-1, 10, 4.5, Number.NaN, "5", null].some(allowed))
  })

  it("names its lane", () =>
    assert.deepStrictEqual([laneName(lanes.high), laneName(lanes.normal)], ["high", "normal"]))
})
