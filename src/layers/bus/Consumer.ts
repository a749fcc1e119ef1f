/**
 * A consumer: the run-time side of one subscription, for handlers in this process or for pulls.
 *
 * It is live while every committed message has been looked at; then matches are pushed to it at the
 * commit. Otherwise a reader takes them from the log (`Reader.ts`) until it has caught up.
 */
import type { Fates } from "../../domain/Fate.ts"
import type { FilterFunction } from "../../domain/Filter.ts"
import { compileFilter, type FilterPredicate } from "../../domain/FilterPredicate.ts"
import { logLaneCount, orderText } from "../../domain/Position.ts"
import type { RetryPolicy } from "../../domain/RetryPolicy.ts"
import type { SubscriptionSnapshot } from "../../domain/Snapshot.ts"
import type { Subscription } from "../../domain/Subscription.ts"
import { matcher } from "../../domain/TopicPattern.ts"
import type { Handler } from "../../services/MessageBus.ts"
import type { Cursor } from "../../services/MessageLog.ts"
import { Buckets } from "../observe/Buckets.ts"
import { KeyOrder } from "./KeyOrder.ts"
import { Lanes } from "./Lanes.ts"
import type { LeasesAhead } from "./LeasesKept.ts"
import { OwnRowsAhead } from "./OwnRowsAhead.ts"
import { PartitionCounts } from "./PartitionCounts.ts"
import type { Pending } from "./Pending.ts"
import { Track } from "./Track.ts"

/** Totals of a subscription since the log was opened; they outlive a change of consumer. */
export class Totals {
  matched = 0
  replayed = 0
  acked = 0
  deadLettered = 0
  expired = 0
  dropped = 0
  redelivered = 0
  /** How often it went on from the log because it fell behind. */
  spills = 0
  /** Deliveries that are parked now. */
  parked = 0
  /** Messages for which the filter of a handler threw. */
  filterErrors = 0
  /** Dead letters that are kept now. */
  readonly letters = new PartitionCounts()
  readonly callbackLatency = new Buckets()

  /** How many dead letters are kept now. */
  get deadLetters(): number {
    return this.letters.total
  }
}

/** Who consumes: handlers of this process, with retry policy and fates of errors, or pulls. */
export interface Attachment {
  readonly handler: Handler | undefined
  readonly retry: RetryPolicy
  readonly fates: Fates
  /** Of the handler, beside that of the subscription. */
  readonly filter?: FilterFunction | undefined
}

const nothing = (): boolean => false

/** Slots, and their bytes, that one consumer holds alone. Mutable: counted for every message. */
export interface Sole {
  slots: number
  bytes: number
}

/** One subscription at run time. Mutable on purpose: its counters change with every delivery. */
export class Consumer {
  /** Replaced when only limits changed. */
  subscription: Subscription
  /** Its messages go out through tails: it matches nothing, and nothing of it is pending. */
  readonly isBroadcast: boolean
  /** By its pattern. */
  readonly wants: (topic: string) => boolean
  /** The filter of the subscription, and that of the handler. */
  readonly conditions: FilterPredicate | undefined
  readonly filter: FilterFunction | undefined
  readonly isFiltered: boolean
  readonly handler: Handler | undefined
  retry: RetryPolicy
  readonly fates: Fates
  readonly totals: Totals
  readonly tracks: Array<Track | undefined> = new Array(logLaneCount)
  readonly order: KeyOrder
  /** What waits for a pull; unused with a handler, whose deliveries wait in shards. */
  readonly ready = new Lanes()
  /** Deliveries from rows of their own, by row id. */
  readonly ownRows = new Map<number, Pending>()
  /** Own rows whose turn has not come: their lane was not read up to `after` yet. */
  readonly ownRowsAhead = new OwnRowsAhead()
  /** Leases of a former process whose deliveries were not read yet. */
  readonly leasesAhead: LeasesAhead = new Map()
  live = false
  /** Matches that only the log holds; below 0 while they are being counted. */
  unread = 0
  /** Per lane, up to which offset they were counted by topic alone. */
  countedTo: Float64Array | undefined = undefined
  /** While it lags, per lane how far its reader came. */
  readTo: Float64Array | undefined = undefined
  /** Where it stopped being live: everything below was looked at. */
  lookedAt: Float64Array | undefined = undefined
  /** Per lane, from which offset on `LogEntry.pending` counted this subscription at the append. */
  countedFrom: Float64Array = new Float64Array(logLaneCount)
  /** Tells it apart from every consumer of this process. */
  number = 0
  /** It is about to go on from the log. */
  isSpilling = false
  private readonly soles: Array<Sole | undefined> = []
  /** Gone or about to be replaced: what is still queued of it is skipped. */
  closed = false
  inFlight = 0
  /** Deliveries in memory that were read from the log, and their bytes. */
  readAheadCount = 0
  readAheadBytes = 0
  /** Called when something is ready for a pull, room was made, or the consumer closed. */
  readonly wakers = new Set<() => void>()
  /** How often they were called. */
  wakes = 0

  private isWaking = false

  constructor(
    subscription: Subscription,
    attachment: Attachment,
    totals: Totals,
    circulate: (delivery: Pending) => void
  ) {
    this.subscription = subscription
    const { filter, mode, topic } = subscription.options
    this.isBroadcast = mode === "broadcast"
    this.wants = this.isBroadcast ? nothing : matcher(topic)
    this.conditions = filter === undefined ? undefined : compileFilter(filter)
    this.filter = attachment.filter
    this.isFiltered = this.conditions !== undefined || this.filter !== undefined
    this.handler = attachment.handler
    this.retry = attachment.retry
    this.fates = attachment.fates
    this.totals = totals
    this.order = new KeyOrder(circulate)
  }

  /** The tracker of a lane, made at the first match in it. */
  track(logLane: number): Track {
    const existing = this.tracks[logLane]
    if (existing !== undefined) return existing
    const made = new Track(logLane, this.subscription.starts[logLane] ?? 0)
    this.tracks[logLane] = made
    return made
  }

  /** Sets the progress of a lane to what was stored. */
  restore(cursor: Cursor): void {
    this.tracks[cursor.logLane] = new Track(cursor.logLane, cursor.floor, cursor)
  }

  /** Slots of a shard that no other consumer needs any more. */
  soleOf(shard: number): Sole {
    return this.soles[shard] ??= { slots: 0, bytes: 0 }
  }

  /** What order a message keeps here; `undefined` for none. */
  orderOf(topic: string, key: string | undefined): string | undefined {
    const { ordering } = this.subscription.options
    return ordering === "none" || (ordering === "key" && key === undefined)
      ? undefined
      : orderText(topic, key)
  }

  /** Everything unsettled that is in memory. */
  *unsettled(): Generator<Pending> {
    for (const track of this.tracks) if (track !== undefined) yield* track.unsettled()
    yield* this.ownRows.values()
  }

  /**
   * Calls and forgets everybody who waits for a change, once per burst. Deferred, because a resumed
   * fibre runs at once: inside a commit it could publish before the commit is routed.
   */
  wake(): void {
    this.wakes++
    if (this.wakers.size === 0 || this.isWaking) return
    this.isWaking = true
    queueMicrotask(() => {
      this.isWaking = false
      const waiting = [...this.wakers]
      this.wakers.clear()
      waiting.forEach((waker) => waker())
    })
  }

  /** The subscription as the snapshot shows it. */
  snapshot(): SubscriptionSnapshot {
    const { acked, dropped, deadLettered, deadLetters, expired, filterErrors } = this.totals
    const { matched, parked, redelivered, replayed } = this.totals
    const unread = Math.max(0, this.unread)
    return {
      name: this.subscription.name,
      consumer: this.handler === undefined ? "Pull" : "Handler",
      matched,
      unread,
      replayed,
      acked,
      deadLettered,
      expired,
      dropped,
      pending: matched + unread + replayed - acked - deadLettered - expired - dropped,
      parked,
      inFlight: this.inFlight,
      deadLetters,
      redelivered,
      mode: this.live ? "live" : "log",
      spills: this.totals.spills,
      filterErrors,
      callbackLatency: this.totals.callbackLatency.snapshot()
    }
  }
}
