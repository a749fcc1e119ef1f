/**
 * Leases: at most one holder of a name at a time, for a time that it may prolong.
 *
 * Whoever holds one may still be stopped for longer than it lasts, so what it guards must check the
 * fencing token: it grows with each grant, and a store refuses what comes with an older one.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** Longest name and owner in characters. */
export const leaseTextMax = 200

/** What is leased: letters, digits and `. _ : - /`. */
export const LeaseName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9._:/-]{1,200}$/, {
    message: `expected 1 to ${leaseTextMax} letters, digits or . _ : - /`
  })
).pipe(Schema.brand("LeaseName"))
/** A checked name. */
export type LeaseName = typeof LeaseName.Type

/** Who holds it: any text without control characters. */
export const LeaseOwner = Schema.String.check(
  Schema.isPattern(/^[^\p{Cc}]{1,200}$/u, {
    message: `expected 1 to ${leaseTextMax} characters without control characters`
  })
).pipe(Schema.brand("LeaseOwner"))
/** A checked owner. */
export type LeaseOwner = typeof LeaseOwner.Type

/** How long a lease lasts: 1 s to 1 h. Source: behaviours, 81. */
export const leaseMsRange = { minimum: 1_000, maximum: 3_600_000 } as const

/** Milliseconds that a lease lasts. */
export const LeaseMs = Schema.Int.check(Schema.isBetween(leaseMsRange))

/** A granted lease. */
export interface Lease {
  readonly name: LeaseName
  readonly owner: LeaseOwner
  /** Greater than that of every lease granted on this name before. */
  readonly fencingToken: number
  /** Unix milliseconds, by the clock of whoever granted it. */
  readonly expiresAt: number
}

/** A lease is prolonged when a third of it has passed, so that two tries may fail. Source: P5. */
export const renewAfter = (leaseMs: number): Duration.Duration => Duration.millis(leaseMs / 3)

/**
 * The next fencing token: above the last one, and above what a process before can have granted,
 * because it starts at the time in microseconds.
 */
export const nextToken = (last: number, nowMs: number): number =>
  Math.max(last + 1, Math.floor(nowMs * 1_000))
