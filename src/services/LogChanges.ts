/**
 * What a log keeps beside its messages, and how that changes.
 */
import type { DeadLetter } from "../domain/DeadLetter.ts"
import type { Message } from "../domain/Message.ts"
import type { Subscription } from "../domain/Subscription.ts"

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
  /** Present while it is parked: then nothing hands it out. */
  readonly parked: Parked | undefined
}

/** Why a delivery rests until somebody releases it. `at` is in Unix milliseconds. */
export interface Parked {
  readonly reason: string
  readonly error: string
  readonly at: number
}

/** One hand-out, journalled before its handler runs. In lane 128 `offset` is an own row's id. */
export interface Take {
  readonly incarnation: number
  readonly logLane: number
  readonly offset: number
  readonly attempt: number
}

/** A live lease of a pull, for the next process to honour. In lane 128 `offset` is a row's id. */
export interface LeaseKept extends Take {
  /** Unix milliseconds. */
  readonly leaseUntil: number
  /** What order its delivery keeps; none either in what the first versions wrote. */
  readonly order: string | undefined
}

/** A message that waits for its time, with the partition and lane it will be appended to. */
export interface Delayed {
  /** That of the message. */
  readonly id: string
  /** Unix milliseconds. */
  readonly dueAt: number
  readonly message: Message
  /** As in its entry. */
  readonly fingerprint: string | undefined
  /** Payload and headers, as the limits count them. */
  readonly bytes: number
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
  /** Added, or replaced by id. */
  readonly delayed?: ReadonlyArray<Delayed>
  readonly delayedRemoved?: ReadonlyArray<string>
  /** All live leases: those stored before are forgotten. */
  readonly leases?: ReadonlyArray<LeaseKept>
  /**
   * The cursors and own rows carry the attempts of every unsettled delivery taken before this
   * call, so the journal may forget those takes once the change is committed.
   */
  readonly checkpoint?: boolean
}
