/**
 * Holding a lease for as long as something runs.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { type Lease, renewAfter } from "../domain/Lease.ts"
import {
  type LeaseHeld,
  type LeaseLimit,
  LeaseLost,
  type LeaseRequest,
  Leases,
  type LeasesUnavailable
} from "./Leases.ts"

/** How long to wait for a lease that another holds, and how often to look. */
export interface Patience {
  readonly waitMs: number
  /** Between two tries, more or less a fifth, where nobody tells who is next. */
  readonly everyMs: number
}

/** Does not wait. */
export const impatient: Patience = { waitMs: 0, everyMs: 1_000 }

/**
 * Runs `use` while the lease is held; it is renewed at a third of its time and given back at the
 * end. When it is lost, or cannot be renewed in time, `use` is interrupted and this fails with
 * `LeaseLost`.
 */
export const withLease = <A, E, R>(
  request: LeaseRequest,
  use: (lease: Lease) => Effect.Effect<A, E, R>,
  patience: Patience = impatient
): Effect.Effect<
  A,
  E | LeaseHeld | LeaseLimit | LeaseLost | LeasesUnavailable,
  Leases | R
> =>
  Effect.flatMap(
    Leases,
    (leases) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(acquired(leases, request, patience, restore), (lease) =>
          Effect.ensuring(
            restore(Effect.raceFirst(use(lease), kept(leases, lease, request.leaseMs))),
            Effect.ignore(leases.release(lease)) // It ends by itself otherwise.
          ))
      )
  )

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Only its pauses can be interrupted, so that what was granted is also given back. */
const acquired = (
  leases: Leases["Service"],
  request: LeaseRequest,
  { everyMs, waitMs }: Patience,
  restore: Restore
) =>
  waitMs > 0 && leases.acquireWithin !== undefined
    ? leases.acquireWithin(request, waitMs)
    : Effect.gen(function*() {
      const until = (yield* Clock.currentTimeMillis) + waitMs
      while (true) {
        const result = yield* Effect.result(leases.acquire(request))
        if (Result.isSuccess(result)) return result.success
        const isOver = (yield* Clock.currentTimeMillis) >= until
        if (isOver || result.failure._tag === "LeaseLimit") return yield* result.failure
        yield* restore(Effect.sleep(Duration.millis(everyMs * (yield* jitter))))
      }
    })

/** More or less a fifth. */
const jitter = Random.nextBetween(0.8, 1.2)

/** Renews until that fails for good; never ends well. */
const kept = (
  leases: Leases["Service"],
  lease: Lease,
  leaseMs: number
): Effect.Effect<never, LeaseLost> => {
  const lost = new LeaseLost({ name: lease.name })
  const renewed = Effect.andThen(
    Effect.sleep(renewAfter(leaseMs)),
    Effect.asVoid(leases.renew(lease, leaseMs))
  )
  // While nobody answers it is tried again, for as long as the lease is known to last.
  const insisted = Effect.retry(renewed, { while: ({ _tag }) => _tag === "LeasesUnavailable" })
  const inTime = Effect.timeoutOrElse(insisted, {
    duration: Duration.millis(leaseMs),
    orElse: () => Effect.fail(lost)
  })
  return Effect.mapError(Effect.forever(inTime), () => lost)
}
