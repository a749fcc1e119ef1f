/**
 * Leases across whoever shares them: at most one holder of a name at any time.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Lease, LeaseName, LeaseOwner } from "../domain/Lease.ts"

/** Somebody else holds the lease. Remedy: try again after `retryAfterMs`, when it ends. */
export class LeaseHeld extends Schema.TaggedError<LeaseHeld>()("LeaseHeld", {
  name: Schema.String,
  retryAfterMs: Schema.Int
}) {
  override get message(): string {
    return `${this.name} is held by another; its lease ends in ${this.retryAfterMs} ms`
  }
}

/** The lease is not the caller's any more: it ended, or was given back. Remedy: acquire anew. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {
  name: Schema.String
}) {
  override get message(): string {
    return `the lease on ${this.name} has ended`
  }
}

/** Nobody can grant leases now, so nobody does. Remedy: see `detail`, then try again. */
export class LeasesUnavailable extends Schema.TaggedError<LeasesUnavailable>()(
  "LeasesUnavailable",
  { detail: Schema.String }
) {
  override get message(): string {
    return `no leases are granted now: ${this.detail}`
  }
}

/** A name or a time that no lease can have. Remedy: see `reason`. */
export class LeaseInvalid extends Schema.TaggedError<LeaseInvalid>()("LeaseInvalid", {
  field: Schema.Literals(["name", "leaseMs"]),
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.field}: ${this.reason}`
  }
}

/** As many names are held as may be. Remedy: try again once some have ended. */
export class LeaseLimit extends Schema.TaggedError<LeaseLimit>()("LeaseLimit", {
  limit: Schema.Int
}) {
  override get message(): string {
    return `${this.limit} leases are held already`
  }
}

/** Most names that are held at once by the local layer. */
export const leasesMax = 100_000

/** What is asked for. */
export interface LeaseRequest {
  readonly name: LeaseName
  readonly owner: LeaseOwner
  /** Milliseconds from the grant, or from the renewal. */
  readonly leaseMs: number
}

/** The leases. */
export class Leases extends Context.Service<Leases, {
  /** Among whom a holder is the only one: this process, or all that share a database or Redis. */
  readonly scope: "process" | "cluster"
  /** Takes a lease without waiting. Its holder does not get it twice either. */
  readonly acquire: (
    request: LeaseRequest
  ) => Effect.Effect<Lease, LeaseHeld | LeaseLimit | LeasesUnavailable>
  /**
   * Takes a lease once it is free, in the order of those who ask, if that is within `waitMs`.
   * It can be interrupted while it waits, not while it is granted. Absent where nobody tells who
   * is next: then one asks again.
   */
  readonly acquireWithin?: (
    request: LeaseRequest,
    waitMs: number
  ) => Effect.Effect<Lease, LeaseHeld | LeaseLimit | LeasesUnavailable>
  /** Lets a lease that is still held last for `leaseMs` from now. */
  readonly renew: (
    lease: Lease,
    leaseMs: number
  ) => Effect.Effect<Lease, LeaseLost | LeasesUnavailable>
  /** Gives a lease back. Only its holder can, and only once. */
  readonly release: (lease: Lease) => Effect.Effect<void, LeaseLost | LeasesUnavailable>
}>()("codefactory/services/Leases") {}
