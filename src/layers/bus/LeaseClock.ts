/**
 * The lease clock: which hand-outs to consumers end when, in buckets of a quarter second.
 *
 * A hand-out leaves its bucket when it is settled, so that acknowledged ones cost no memory until
 * their lease would have ended.
 */
import { partitionOf } from "../../domain/AckId.ts"
import type { LeaseKept } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Pending } from "./Pending.ts"

/** Width of a bucket: a lease ends at most so much late. */
export const leaseBucketMs = 250

/** Most leases of one subscription at a time: what is kept in memory for slow consumers. */
export const leasesMax = 10_000

/** A lease of a former process, and whose it is. */
export type LeaseUnread = readonly [Consumer, LeaseKept]

/** Live leases by the bucket of their end. */
export class LeaseClock {
  private readonly buckets = new Map<number, Set<Pending>>()
  /** The first bucket that was not looked at. */
  private next = 0
  /** Live leases. */
  size = 0
  /** Those of a former process, the last to end first; each was unread when this one started. */
  readonly unread: Array<LeaseUnread> = []

  /** Starts a lease that ends at `delivery.leaseUntil`. */
  add(delivery: Pending): void {
    const at = Math.max(this.next, Math.ceil(delivery.leaseUntil / leaseBucketMs))
    const bucket = this.buckets.get(at)
    if (bucket === undefined) this.buckets.set(at, new Set([delivery]))
    else bucket.add(delivery)
    delivery.leaseBucket = at
    this.size++
  }

  /** Ends a lease before its time. */
  remove(delivery: Pending): void {
    if (delivery.leaseBucket < 0) return
    const bucket = this.buckets.get(delivery.leaseBucket)
    bucket?.delete(delivery)
    if (bucket?.size === 0) this.buckets.delete(delivery.leaseBucket)
    delivery.leaseBucket = -1
    this.size--
  }

  /** Forgets leases of a former process in partitions that are gone. */
  forgetUnread(gone: ReadonlySet<number>): void {
    const kept = this.unread.filter(([, lease]) => !gone.has(partitionOf(lease)))
    this.unread.splice(0, Infinity, ...kept)
  }

  /** Takes the leases that ended by `now` (Unix milliseconds), in the order they were made. */
  takeExpired(now: number): ReadonlyArray<Pending> {
    const last = Math.floor(now / leaseBucketMs)
    if (this.size === 0 || last < this.next) {
      this.next = Math.max(this.next, last + 1)
      return []
    }
    const ended = [...this.buckets.keys()].filter((at) => at <= last).toSorted((a, b) => a - b)
      .flatMap((at) => [...this.buckets.get(at) ?? []])
    this.next = last + 1
    ended.forEach((delivery) => this.remove(delivery))
    return ended
  }
}
