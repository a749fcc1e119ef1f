/**
 * The snapshot: the live state of the bus at one moment, all that metrics and control loops see.
 */
import type { Gate } from "./Watermark.ts"

/** A histogram by upper bounds in seconds; `counts` has one entry more, for what is above all. */
export interface Histogram {
  readonly bounds: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
  readonly sum: number
}

/**
 * One shard. `queued` deliveries wait for a worker; `slots` (messages with an unsettled delivery,
 * `held` by lane) and `bytes` fill the gate, `fill` being the larger share of their limits.
 */
export interface ShardSnapshot {
  readonly id: number
  readonly queued: { readonly high: number; readonly normal: number }
  readonly slots: number
  readonly held: { readonly high: number; readonly normal: number }
  readonly bytes: number
  readonly fill: number
  /** How long the oldest delivery has waited for a worker, of what is next; 0 for none. */
  readonly oldestMs: number
  readonly gate: Gate
  /** An operator lets it take no messages. */
  readonly paused: boolean
  readonly workers: number
  readonly inFlight: number
  readonly workerRestarts: number
}

/**
 * One subscription since this process opened the log. The law holds at every moment:
 * `matched + unread + replayed = acked + deadLettered + expired + dropped + pending`.
 * What was parked is pending, until somebody releases it (pending still) or drops it (dropped).
 */
export interface SubscriptionSnapshot {
  readonly name: string
  /** Who runs it: handlers in this process, or consumers that pull. */
  readonly consumer: "Handler" | "Pull"
  /** Matches that were looked at. */
  readonly matched: number
  /**
   * Matches that only the log holds, because the subscription lags. With a filter they are counted
   * by topic until they are read, so that this, and `pending`, is an upper bound.
   */
  readonly unread: number
  readonly replayed: number
  readonly acked: number
  readonly deadLettered: number
  readonly expired: number
  readonly dropped: number
  readonly pending: number
  /** Of `pending`: kept aside until somebody releases or drops them. */
  readonly parked: number
  /** Deliveries with a running handler or a live lease. */
  readonly inFlight: number
  readonly deadLetters: number
  readonly redelivered: number
  /** Whether it is handed what is published, or reads it from the log because it is behind. */
  readonly mode: "live" | "log"
  /** How often it fell behind so far that it went on from the log. */
  readonly spills: number
  /** Messages for which the filter of a handler threw: they count as not matching. */
  readonly filterErrors: number
  readonly callbackLatency: Histogram
}

/** Idempotency keys in memory; `forgotten` ones went before their time, for want of room. */
export interface IdempotencySnapshot {
  readonly keys: number
  readonly keysMax: number
  readonly inFlight: number
  readonly forgotten: number
}

/** Hooks that are registered, and what went wrong after publishes. */
export interface HooksSnapshot {
  readonly before: number
  readonly after: number
  readonly afterFailed: number
  /** Messages that were not shown to a hook, for too many waited. */
  readonly afterDropped: number
}

/** The open tails, how many of them read the log, and what they were given since the start. */
export interface TailsSnapshot {
  readonly open: number
  readonly reading: number
  readonly events: number
  readonly gaps: number
}

/** Requests that wait for a reply, and what came of the others. */
export interface RequestsSnapshot {
  readonly waiting: number
  readonly waitingMax: number
  readonly answered: number
  readonly timedOut: number
  /** Replies that came late, twice, or for no request of this process. */
  readonly repliesIgnored: number
}

/** What the log keeps, for how long, and what it deleted. */
export interface RetentionSnapshot {
  /** Bytes that the log occupies. */
  readonly logBytes: number
  /** When the oldest of what is retained entered the log (Unix milliseconds), if known. */
  readonly oldest: number | undefined
  /** Messages that were deleted. */
  readonly deleted: number
  /** Messages that wait for their time. */
  readonly delayed: number
  readonly delayedMax: number
  /** Bytes that must not be deleted; measured now and then, and raised by appends in between. */
  readonly backlogBytes: number
  readonly backlogBytesMax: number
  readonly backlogGate: Gate
}

/** Counters are totals since the process started. */
export interface Snapshot {
  readonly state: "Running" | "Leaving" | "Closing" | "Closed"
  readonly shards: ReadonlyArray<ShardSnapshot>
  readonly subscriptions: ReadonlyArray<SubscriptionSnapshot>
  readonly published: number
  readonly unrouted: number
  readonly duplicates: number
  readonly idempotency: IdempotencySnapshot
  readonly hooks: HooksSnapshot
  readonly requests: RequestsSnapshot
  /** Refused publishes by the tag of their error. */
  readonly refused: Readonly<Record<string, number>>
  /** Accepted messages by topic: at most 1,000 names, the rest under `other`. */
  readonly topics: ReadonlyArray<readonly [topic: string, published: number]>
  /** Failed handler runs by topic, under the same limit. */
  readonly callbackErrors: ReadonlyArray<readonly [topic: string, errors: number]>
  readonly messageAge: Histogram
  readonly dispatchDuration: Histogram
  /** How far the clock on the wall is ahead of that of the bus, in seconds. */
  readonly wallOffset: number
  /** Decisions that were kept. */
  readonly decisions: number
  /** Listeners of announcements that failed. */
  readonly announcementFailures: number
  /** How often each fibre of the bus was started again after a bug ended it, by name. */
  readonly fibreRestarts: ReadonlyArray<readonly [fibre: string, restarts: number]>
  /**
   * Deliveries with a row of their own, the bytes of their messages in memory, and how often there
   * was no room for another.
   */
  readonly ownRows: { readonly count: number; readonly bytes: number; readonly refused: number }
  readonly tails: TailsSnapshot
  readonly retention: RetentionSnapshot
  /** Commits that failed and were tried again. */
  readonly commitRetries: number
  /** Why the bus is not fully well, one sentence each; empty when it is. */
  readonly degraded: ReadonlyArray<string>
}
