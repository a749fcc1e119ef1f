import { assert, describe, it } from "@effect/vitest"
import { state } from "../../../src/layers/bus/Pending.ts"
import { Suspects } from "../../../src/layers/bus/Suspects.ts"
import { pendingOf } from "./Deliveries.ts"

describe("deliveries that were running when a process was lost", () => {
  it("run one at a time, in the order they came, and the turn passes on", () => {
    const suspects = new Suspects()
    const [first, second, third] = [0, 1, 2].map((offset) => pendingOf({ offset }))
    if (first === undefined || second === undefined || third === undefined) return assert.fail()
    assert.deepStrictEqual([first, second, third].map((one) => suspects.admit(one)), [
      true,
      false,
      false
    ])
    assert.isTrue(suspects.admit(first))
    assert.isUndefined(suspects.leave(second))
    assert.strictEqual(suspects.leave(first), second)
    assert.isTrue(suspects.admit(second))
    assert.isFalse(suspects.admit(first))
    third.state = state.settled
    assert.strictEqual(suspects.leave(second), first)
  })

  it("do not wait for one that ended, or whose subscription is gone", () => {
    const suspects = new Suspects()
    const [ended, gone, next] = [0, 1, 2].map((offset) => pendingOf({ offset }))
    if (ended === undefined || gone === undefined || next === undefined) return assert.fail()
    suspects.admit(ended)
    ended.state = state.settled
    assert.isTrue(suspects.admit(gone))
    gone.consumer.closed = true
    assert.isTrue(suspects.admit(next))
  })
})
