/**
 * Locks for programs without Effect: a function that runs while a lease is held.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import process from "node:process"
import { LeaseMs, leaseMsRange, LeaseName, LeaseOwner } from "../../domain/Lease.ts"
import { withLease } from "../../services/Holding.ts"
import { LeaseInvalid } from "../../services/Leases.ts"

/** What a function that holds a lock is given. */
export interface Held {
  /** To be checked by what it writes to: greater than that of every holder before. */
  readonly fencingToken: number
  /** Aborted when the lease is lost: what it does after that is not guarded any more. */
  readonly signal: AbortSignal
}

/** How long a lease lasts without renewal (30,000 ms unless set), and how long to wait for it. */
export interface LockOptions {
  readonly leaseMs?: number
  readonly waitMs?: number
}

/** Time of a lease unless it is said. */
const leaseMsDefault = 30_000

/** Between two looks at a lease that another holds. */
const everyMs = 250

/** Runs `use` while the lease on `name` is held. */
export const locked = <A>(
  name: string,
  use: (held: Held) => A | Promise<A>,
  { leaseMs = leaseMsDefault, waitMs = 0 }: LockOptions = {}
) =>
  Effect.gen(function*() {
    const checked = yield* Effect.mapError(
      Schema.decodeUnknownEffect(LeaseName)(name),
      () =>
        new LeaseInvalid({ field: "name", reason: "expected 1 to 200 of A-Z a-z 0-9 . _ : - /" })
    )
    yield* Effect.mapError(
      Schema.decodeUnknownEffect(LeaseMs)(leaseMs),
      () => new LeaseInvalid({ field: "leaseMs", reason: expected })
    )
    const owner = LeaseOwner.make(`${process.env["HOSTNAME"] ?? "process"} ${process.pid}`)
    return yield* withLease(
      { name: checked, owner, leaseMs },
      ({ fencingToken }) =>
        Effect.tryPromise({
          try: (signal) => Promise.resolve(use({ fencingToken, signal })),
          catch: (error) => error // The error of the function is that of the call.
        }),
      { waitMs, everyMs }
    )
  })

const expected = `expected ${leaseMsRange.minimum} to ${leaseMsRange.maximum} ms`
