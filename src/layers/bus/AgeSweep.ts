/**
 * The age sweep: ends deliveries that waited longer than their subscription wants, so that an idle
 * subscription does not hold the log for ever.
 *
 * It looks at what is in memory: that is the oldest part. What comes after it is read when this has
 * made room. What runs or is parked is left alone.
 */
import * as Effect from "effect/Effect"
import { Outcome } from "../../domain/Delivery.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { deadlineOf } from "./Deadline.ts"
import { isKept } from "./LeasesKept.ts"
import { apply } from "./Outcomes.ts"
import { type Pending, state } from "./Pending.ts"

/** Deliveries ended before others get their turn. */
export const sweepMax = 1_000

/** Ends what is too old now, of all subscriptions. */
export const expireOld = (core: Core): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (const consumer of [...core.consumers.values()]) {
      if (consumer.subscription.options.maxAgeMs === undefined) continue
      while (expireSome(core, consumer) >= sweepMax) yield* Effect.yieldNow
    }
  })

/** Ends at most `sweepMax` of a consumer; returns how many. */
const expireSome = (core: Core, consumer: Consumer): number => {
  const now = core.now()
  const old: Array<Pending> = []
  for (const delivery of consumer.unsettled()) { // Ends with the budget.
    if (old.length >= sweepMax) break
    if (isIdle(delivery) && (deadlineOf(delivery) ?? Number.POSITIVE_INFINITY) <= now) {
      old.push(delivery)
    }
  }
  if (old.length === 0) return 0
  const waiting = old.filter((delivery) => delivery.state === state.waiting).length
  for (const delivery of old) apply(core, delivery, Outcome.Expire())
  core.retries.leave(waiting)
  // Nobody may ever come to take these out.
  if (consumer.handler === undefined) consumer.ready.takeOut(() => false)
  return old.length
}

const isIdle = (delivery: Pending): boolean =>
  delivery.state === state.queued || (delivery.state === state.waiting && !isKept(delivery))
