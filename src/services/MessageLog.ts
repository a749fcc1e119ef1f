/**
 * The message log: where accepted messages and the progress of their deliveries are kept.
 *
 * A log has 64 partitions with two lanes each; every one of these 128 log lanes numbers its
 * messages densely from 0. One bus at a time writes it. Calls take effect in the order in which
 * they are made; what is called within one tick of the event loop shares one commit.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { DeadLetter, DeadLetterFilter } from "../domain/DeadLetter.ts"
import type { Subscription } from "../domain/Subscription.ts"
import type { Changes, Cursor, Delayed, LeaseKept, OwnRow, Take } from "./LogChanges.ts"
import type { LogEntry } from "./LogEntry.ts"
import type {
  CountRequest,
  DelayedKey,
  Scanned,
  ScanRequest,
  Truncated,
  TruncateRequest
} from "./LogReading.ts"

export type * from "./LogChanges.ts"
export type * from "./LogEntry.ts"
export type * from "./LogReading.ts"

/**
 * What an accepted message survives: nothing (`memory`), a crash of this machine (`local`: synced
 * to its disk), or the loss of it (`replicated`).
 */
export const Durability = Schema.Literals(["memory", "local", "replicated"])
/** A checked durability. */
export type Durability = typeof Durability.Type

/**
 * A remembered idempotency key: the first acceptance under it. Without one its content, as the
 * fingerprint tells it, was the key. Time is Unix milliseconds.
 */
export interface Claim {
  readonly topic: string
  readonly key: string | undefined
  readonly idempotencyKey: string | undefined
  readonly fingerprint: string
  readonly id: string
  readonly acceptedAt: number
}

/** What stood in the log when it was opened. */
export interface Recovered {
  /** Grows by one with every opening. */
  readonly epoch: number
  /** Whether the last process closed the log. */
  readonly clean: boolean
  /** The latest time any stored message id carries (Unix milliseconds), 0 in an empty log. */
  readonly idMillisMax: number
  readonly subscriptions: ReadonlyArray<Subscription>
  /** Greater than every number ever used, also by what is deleted. */
  readonly nextIncarnation: number
  readonly nextDeadLetter: number
  readonly nextOwnRow: number
  /** With the journalled attempts merged in: the greater number counts. */
  readonly cursors: ReadonlyArray<Cursor>
  readonly ownRows: ReadonlyArray<OwnRow>
  /** Dead letters per incarnation. */
  readonly deadLetterCounts: ReadonlyMap<number, number>
  readonly leases: ReadonlyArray<LeaseKept>
  /** Messages that wait for their time, and their payloads and headers in bytes. */
  readonly delayedCount: number
  readonly delayedBytes: number
  /** Claims accepted at or after the time asked for, those of delayed messages included. */
  readonly claims: ReadonlyArray<Claim>
  /** What was found damaged and set aside, one sentence each. */
  readonly damaged: ReadonlyArray<string>
}

/**
 * The log cannot take or give anything now; nothing of the call was stored.
 *
 * `Full`: no space left; `Io`: the device failed; `ReadOnly`; `Closed`: the log was closed;
 * `Fenced`: another process owns it now. Remedy: see `detail`, then try again; it recovers without
 * a restart (but `Closed` and `Fenced`).
 */
export class LogUnavailable extends Schema.TaggedError<LogUnavailable>()("LogUnavailable", {
  reason: Schema.Literals(["Full", "Io", "ReadOnly", "Closed", "Fenced"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `the log takes nothing now (${this.reason}): ${this.detail}`
  }
}

/**
 * The log at `path` cannot be opened; the program refuses to start.
 *
 * `Locked`: another process has it; `Newer`: a newer version wrote it; `Damaged`: it is no log, or
 * broken beyond its own repair; `ReadOnly`, `Full`, `Io`: what the file system said.
 */
export class LogUnopened extends Schema.TaggedError<LogUnopened>()("LogUnopened", {
  reason: Schema.Literals(["Locked", "Newer", "Damaged", "ReadOnly", "Full", "Io"]),
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the log ${this.path} cannot be opened (${this.reason}): ${this.detail}`
  }
}

/** The log. Opened by its layer (which fails with `LogUnopened`) and closed with its scope. */
export class MessageLog extends Context.Service<MessageLog, {
  /** What every commit of this log reaches. */
  readonly durability: Durability
  /** Whether settled messages stay readable until retention; otherwise they are forgotten. */
  readonly retainsSettled: boolean
  /**
   * Whether each partition commits by itself. Then a call that names several is several commits: it
   * is done with the last one, and when it fails some of it may be stored. What must be all or
   * nothing names one; numbers of dead letters and own rows name theirs (`partitionOfNumber`).
   */
  readonly isPartitioned: boolean
  /** Whether takes are journalled at all; when not, `journal` need not be called. */
  readonly journals: boolean
  readonly recovered: Recovered
  /** Whether this process has a partition now; of a log that pods share, it may have a part. */
  readonly owns: (partition: number) => boolean
  /** The epoch under which it has a partition: grows each time somebody takes that over. */
  readonly epochOf: (partition: number) => number
  /** Whether whoever had a partition before gave it back in order. */
  readonly wasClean: (partition: number) => boolean
  /** First retained offset of a log lane: committed entries below it are gone. */
  readonly first: (logLane: number) => number
  /** The offset that the next committed entry of a log lane gets. */
  readonly head: (logLane: number) => number
  /** Bytes that the log occupies, without what it has deleted. */
  readonly sizeBytes: () => number
  /** Payloads and headers, in bytes, of what a log lane retains at and above an offset. */
  readonly bytesFrom: (logLane: number, offset: number) => number
  /** When the oldest of what is retained entered the log (Unix milliseconds), if known. */
  readonly oldest: () => number | undefined
  /**
   * Appends entries, all or none, giving each the next offset of its log lane, and remembers their
   * idempotency keys in the same commit; `changes` are part of it too.
   *
   * `onDone` runs once, synchronously at the commit, in commit order over all calls (before this
   * call returns, when the log need not wait); with a failure nothing was stored. What it returns
   * runs soon after and lets the publisher go on: so the log can start its next commit between.
   * Not an effect, because what follows a commit must happen whether or not the publisher still
   * waits, and because it is the hot path. Neither may throw.
   */
  readonly append: (
    entries: ReadonlyArray<LogEntry>,
    onDone: (failure: LogUnavailable | undefined) => () => void,
    changes?: Changes
  ) => void
  /** Commits a change. `onCommitted` runs synchronously at the commit, in the same order. */
  readonly commit: (
    changes: Changes,
    onCommitted?: () => void
  ) => Effect.Effect<void, LogUnavailable>
  /** Notes hand-outs so that they outlive the process; not synced, so not a power cut. */
  readonly journal: (takes: ReadonlyArray<Take>) => Effect.Effect<void, LogUnavailable>
  readonly scan: (request: ScanRequest) => Effect.Effect<Scanned, LogUnavailable>
  /** How many entries there are; what is damaged or deleted does not count. */
  readonly count: (request: CountRequest) => Effect.Effect<number>
  /** Delayed messages due after `after`, in due order; at least one, whatever its bytes. */
  readonly delayed: (
    after: DelayedKey | undefined,
    limit: number,
    bytesMax: number
  ) => Effect.Effect<ReadonlyArray<Delayed>, LogUnavailable>
  /** The delayed message with this id, while it waits. */
  readonly findDelayed: (id: string) => Effect.Effect<Option.Option<Delayed>, LogUnavailable>
  /**
   * Deletes the oldest messages that may go, as many as one commit should; entries are gone at the
   * call, even when it fails, and their space once it succeeds. One call at a time.
   */
  readonly truncate: (request: TruncateRequest) => Effect.Effect<Truncated, LogUnavailable>
  /** The entry of a message id, while retained. */
  readonly find: (id: string) => Effect.Effect<Option.Option<LogEntry>, LogUnavailable>
  /**
   * Dead letters with an id above `after` that pass the filter, ascending, at most `limit`.
   * `Lately` is what stood there a little while ago, which may be read elsewhere.
   */
  readonly deadLetters: (
    filter: DeadLetterFilter,
    after: number,
    limit: number,
    asOf?: "Now" | "Lately"
  ) => Effect.Effect<ReadonlyArray<DeadLetter>, LogUnavailable>
  /** Tells the log that `entry.pending` reached 0; a log that retains settled ones ignores it. */
  readonly release: (entry: LogEntry) => void
}>()("codefactory/services/MessageLog") {}
