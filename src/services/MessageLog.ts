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
import type { Message } from "../domain/Message.ts"
import type { Lane } from "../domain/Priority.ts"
import type { Subscription } from "../domain/Subscription.ts"

/**
 * What an accepted message survives: nothing (`memory`), a crash of this machine (`local`: synced
 * to its disk), or the loss of it (`replicated`).
 */
export const Durability = Schema.Literals(["memory", "local", "replicated"])
/** A checked durability. */
export type Durability = typeof Durability.Type

/**
 * A message at its place in the log.
 *
 * `offset` is -1 until the log commits the entry and sets it. `pending` counts deliveries that are
 * not settled; the bus keeps it, and a log that need not survive a restart forgets an entry at 0.
 * Mutable on purpose: one object per message from publish to settlement (hot path).
 */
export interface LogEntry {
  readonly message: Message
  /** Payload and headers in bytes, as the limits count them. */
  readonly bytes: number
  readonly partition: number
  readonly lane: Lane
  /** `partition * 2 + lane`. */
  readonly logLane: number
  /** Tells bodies under one idempotency key apart; present when there is one, or content is. */
  readonly fingerprint: string | undefined
  offset: number
  pending: number
}

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

/**
 * Progress of one subscription in one log lane.
 *
 * `ranges` is flat [start, end, ...], `attempts` is flat [offset, attempts, ...] and names the
 * unsettled deliveries that were handed out.
 */
export interface Cursor {
  readonly incarnation: number
  readonly logLane: number
  readonly floor: number
  readonly ranges: ReadonlyArray<number>
  readonly attempts: ReadonlyArray<number>
}

/**
 * A delivery that left the lane for a row of its own, with a full copy of its message.
 *
 * It is delivered once no unsettled message of its key lies below offset `after` of `logLane`, and
 * not before `dueAt` (Unix milliseconds). `attempts` counts hand-outs so far.
 */
export interface OwnRow {
  readonly id: number
  readonly incarnation: number
  readonly logLane: number
  readonly after: number
  readonly message: Message
  readonly attempts: number
  readonly dueAt: number
}

/** One hand-out, journalled before its handler runs. In lane 128 `offset` is an own row's id. */
export interface Take {
  readonly incarnation: number
  readonly logLane: number
  readonly offset: number
  readonly attempt: number
}

/** A change of everything but the messages; all of it is committed, or nothing. */
export interface Changes {
  /** Created or changed. */
  readonly subscriptions?: ReadonlyArray<Subscription>
  /** Incarnations that end, with their cursors, own rows and dead letters. */
  readonly subscriptionsRemoved?: ReadonlyArray<number>
  readonly cursors?: ReadonlyArray<Cursor>
  /** Added, or replaced by id. */
  readonly deadLetters?: ReadonlyArray<DeadLetter>
  readonly deadLettersRemoved?: ReadonlyArray<number>
  /** Added, or replaced by id. */
  readonly ownRows?: ReadonlyArray<OwnRow>
  readonly ownRowsRemoved?: ReadonlyArray<number>
  /**
   * The cursors and own rows carry the attempts of every unsettled delivery taken before this
   * call, so the journal may forget those takes once the change is committed.
   */
  readonly checkpoint?: boolean
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
  /** Claims accepted at or after the time asked for. */
  readonly claims: ReadonlyArray<Claim>
  /** What was found damaged and set aside, one sentence each. */
  readonly damaged: ReadonlyArray<string>
}

/** What to read: entries of one log lane at `from` and above whose topic is wanted. */
export interface ScanRequest {
  readonly logLane: number
  readonly from: number
  readonly countMax: number
  /** At least one entry is returned even when it alone is larger. */
  readonly bytesMax: number
  readonly wants: (topic: string) => boolean
}

/**
 * What was read, ascending. Every wanted entry in [`from`, `next`) is either among `entries` or its
 * offset among `damaged`; go on from `next`, which is the head once all is read.
 */
export interface Scanned {
  readonly entries: ReadonlyArray<LogEntry>
  readonly next: number
  readonly damaged: ReadonlyArray<number>
}

/**
 * The log cannot take or give anything now; nothing of the call was stored.
 *
 * `Full`: no space left; `Io`: the device failed; `ReadOnly`; `Closed`: the log was closed. Remedy:
 * see `detail`, then try again; it recovers without a restart (but `Closed`).
 */
export class LogUnavailable extends Schema.TaggedError<LogUnavailable>()("LogUnavailable", {
  reason: Schema.Literals(["Full", "Io", "ReadOnly", "Closed"]),
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
  /** Whether takes are journalled at all; when not, `journal` need not be called. */
  readonly journals: boolean
  readonly recovered: Recovered
  /** First retained offset of a log lane: committed entries below it are gone. */
  readonly first: (logLane: number) => number
  /** The offset that the next committed entry of a log lane gets. */
  readonly head: (logLane: number) => number
  /** Bytes that the log occupies. */
  readonly sizeBytes: () => number
  /**
   * Appends entries, all or none, giving each the next offset of its log lane, and remembers their
   * idempotency keys in the same commit.
   *
   * `onDone` runs once, synchronously at the commit, in commit order over all calls (before this
   * call returns, when the log need not wait); with a failure nothing was stored. What it returns
   * runs soon after and lets the publisher go on: so the log can start its next commit between.
   * Not an effect, because what follows a commit must happen whether or not the publisher still
   * waits, and because it is the hot path. Neither may throw.
   */
  readonly append: (
    entries: ReadonlyArray<LogEntry>,
    onDone: (failure: LogUnavailable | undefined) => () => void
  ) => void
  /** Commits a change. `onCommitted` runs synchronously at the commit, in the same order. */
  readonly commit: (
    changes: Changes,
    onCommitted?: () => void
  ) => Effect.Effect<void, LogUnavailable>
  /** Notes hand-outs so that they outlive the process; not synced, so not a power cut. */
  readonly journal: (takes: ReadonlyArray<Take>) => Effect.Effect<void, LogUnavailable>
  readonly scan: (request: ScanRequest) => Effect.Effect<Scanned, LogUnavailable>
  /** The entry of a message id, while retained. */
  readonly find: (id: string) => Effect.Effect<Option.Option<LogEntry>, LogUnavailable>
  /** Dead letters with an id above `after` that pass the filter, ascending, at most `limit`. */
  readonly deadLetters: (
    filter: DeadLetterFilter,
    after: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<DeadLetter>, LogUnavailable>
  /** Tells the log that `entry.pending` reached 0; a log that retains settled ones ignores it. */
  readonly release: (entry: LogEntry) => void
}>()("codefactory/services/MessageLog") {}
