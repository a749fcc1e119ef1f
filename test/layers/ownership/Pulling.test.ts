/**
 * Pulling over pods: nobody gets more than was asked for, and every pod is asked.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SubscriptionName } from "../../../src/domain/Subscription.ts"
import { type Others, Pulling } from "../../../src/layers/ownership/Pulling.ts"
import type { LeasedDelivery } from "../../../src/services/MessageBus.ts"

const name = SubscriptionName.make("s")

/** Pods that have so many deliveries each; the first one is this pod. */
const over = (...counts: ReadonlyArray<number>) => {
  const left = [...counts]
  const take = (pod: number, max: number): ReadonlyArray<LeasedDelivery> => {
    const taken = Math.min(max, left[pod] ?? 0)
    left[pod] = (left[pod] ?? 0) - taken
    return Array.from({ length: taken }, () => ({ ackId: `p${pod}` }) as LeasedDelivery)
  }
  const others: Others<number> = {
    known: counts.map((_, pod) => pod).slice(1),
    ownerOf: (pod) => `p${pod}`,
    changed: () => Effect.never,
    ask: (pod, ask) =>
      Effect.succeed({
        pod: `p${pod}`,
        owned: [],
        value: { deliveries: take(pod, ask.kind === "pull" ? ask.max : 0), wakes: 0 }
      })
  }
  const tenure = { wakes: () => 0, woken: () => Effect.never }
  const pulling = new Pulling({
    pull: (_, max) => Effect.succeed(take(0, max)),
    tenure,
    others
  })
  return { left, pull: (max: number) => pulling.pull(name, max, 0) }
}

describe("pulling over pods", () => {
  it.effect("hands out as many as were asked for, however many pods have some", () =>
    Effect.gen(function*() {
      for (const max of [1, 2, 3, 4, 100]) {
        const { pull } = over(1_000, 1_000, 1_000)
        assert.lengthOf(yield* pull(max), max)
      }
    }))

  it.effect("finds what the last pod has, also when one is asked for", () =>
    Effect.gen(function*() {
      for (const counts of [[1, 0, 0], [0, 1, 0], [0, 0, 1]]) {
        const { left, pull } = over(...counts)
        assert.lengthOf(yield* pull(1), 1)
        assert.deepStrictEqual(left, [0, 0, 0])
        assert.lengthOf(yield* pull(1), 0)
      }
    }))

  it.effect("lets every pod have its turn", () =>
    Effect.gen(function*() {
      const { pull } = over(1_000, 1_000, 1_000)
      const pods = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => pull(1))
      const counted = Map.groupBy(pods.flat(), ({ ackId }) => ackId)
      assert.deepStrictEqual([...counted.values()].map((all) => all.length), [2, 2, 2])
    }))
})
