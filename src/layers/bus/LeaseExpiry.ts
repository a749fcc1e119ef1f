/**
 * Lease expiry: what is done when the time of a lease is over.
 */
import * as Effect from "effect/Effect"
import type { Failure } from "../../domain/Delivery.ts"
import type { Core } from "./Core.ts"
import { leaseBucketMs } from "./LeaseClock.ts"
import { endOverdue } from "./LeasesKept.ts"
import { fail } from "./Outcomes.ts"
import { state } from "./Pending.ts"

const leaseEnded: Failure = { tag: undefined, error: "its lease ran out", isPermanent: false }

/** Ends leases that ran out, for ever: the hand-out counts as a failed attempt. */
export const expireLeases = (core: Core): Effect.Effect<never> =>
  Effect.forever(Effect.andThen(
    Effect.sleep(leaseBucketMs),
    Effect.sync(() => {
      const now = core.now()
      core.leases.takeExpired(now).forEach((delivery) => {
        if (delivery.state === state.running) fail(core, delivery, leaseEnded)
      })
      endOverdue(core.leases.unread, now)
    })
  ))
