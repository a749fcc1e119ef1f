import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { Pending } from "../../../src/layers/bus/Pending.ts"
import { Retries } from "../../../src/layers/bus/Retries.ts"
import { pendingOf } from "./Deliveries.ts"

const dues = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })))
  .check(Schema.isMaxLength(80))

describe("the heap of retries", () => {
  it.prop(
    "gives them back by due time, equal ones in the order they came",
    { dues },
    ({ dues }) => {
      const retries = new Retries()
      dues.forEach((due, offset) => retries.add(pendingOf({ offset }), due))
      const expected = dues.map((due, offset) => ({ due, offset })).toSorted((a, b) =>
        a.due - b.due
      )
      const taken: Array<number> = []
      for (let now = 0; now <= 30; now++) {
        for (let due = retries.takeDue(now); due !== undefined; due = retries.takeDue(now)) {
          assert.strictEqual(expected[taken.length]?.due, now)
          taken.push(due.entry.offset)
        }
      }
      assert.deepStrictEqual(taken, expected.map(({ offset }) => offset))
      assert.strictEqual(retries.size, 0)
    },
    { arbitrary: { runs: 200 } }
  )

  it.effect("wakes for an earlier one that comes while it sleeps for a later one", () =>
    Effect.gen(function*() {
      const retries = new Retries()
      const clock = yield* Clock.Clock
      const seen: Array<readonly [number, number]> = []
      const now = (): number => clock.currentTimeMillisUnsafe()
      const onDue = ({ entry }: Pending): void => {
        seen.push([entry.offset, now()])
      }
      yield* Effect.forkScoped(retries.run(now, onDue))
      retries.add(pendingOf({ offset: 1 }), 5_000)
      yield* TestClock.adjust("1 second")
      retries.add(pendingOf({ offset: 2 }), 1_500)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen, [[2, 1_500], [1, 5_000]])
    }))
})
