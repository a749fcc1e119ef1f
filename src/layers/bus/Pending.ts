/**
 * A pending delivery at run time: one message for one subscription, from matching to settlement.
 *
 * Mutable on purpose: one small object per delivery is what the hot path can afford.
 */
import type { Outcome } from "../../domain/Delivery.ts"
import type { LogEntry, Parked } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Slot } from "./Slot.ts"
import type { Track } from "./Track.ts"

/**
 * Where a delivery is: waiting for a worker, a consumer or its key (`queued`), handed out
 * (`running`), between two attempts (`waiting`), kept aside (`parked`), or at its end (`settled`).
 */
export const state = { queued: 0, running: 1, waiting: 2, settled: 3, parked: 4 } as const
/** One of the numbers of `state`. */
export type State = 0 | 1 | 2 | 3 | 4

/** One delivery that is not settled. */
export class Pending {
  /** Replaced, with the next two, when it leaves its lane for a row of its own. */
  entry: LogEntry
  readonly consumer: Consumer
  /** The lane tracker that holds its offset; `undefined` for an own row. */
  track: Track | undefined
  /** What order it keeps; `undefined` when it keeps none. */
  readonly order: string | undefined
  /** Id of its own row, or -1. */
  ownRow: number
  state: State = state.queued
  /** Hand-outs so far. */
  attempts = 0
  /**
   * Every match from here up to this offset is settled and forgotten; 0 when none is. So a
   * delivery that waits for long keeps no memory of what was settled behind it.
   */
  settledBehind = 0
  /** Number of the current hand-out, 0 before the first of this process. */
  handOut = 0
  /** When the current hand-out was made (Unix milliseconds). */
  takenAt = 0
  /** End of the current lease, which may be one of a former process (Unix milliseconds). */
  leaseUntil = 0
  /** Bucket of the lease clock, or -1 without a lease. */
  leaseBucket = -1
  /** The place in a shard that it keeps occupied. */
  slot: Slot | undefined = undefined
  /** Whether it counts against the read-ahead of its subscription. */
  readAhead = false
  /** Not to be handed out before (Unix milliseconds); its own row keeps it. */
  dueAt = 0
  /** Why it is parked, while it is. */
  parked: Parked | undefined = undefined
  /** Its end among the dead letters or the parked, for which there was no room yet. */
  burial: Outcome | undefined = undefined
  /** Handed out when a process was lost, so it runs alone until settled. */
  suspect = false

  constructor(
    entry: LogEntry,
    consumer: Consumer,
    track: Track | undefined,
    order: string | undefined,
    ownRow: number
  ) {
    this.entry = entry
    this.consumer = consumer
    this.track = track
    this.order = order
    this.ownRow = ownRow
  }
  /** From now on it has a row of its own, and no place in a lane. */
  moveTo(ownRow: number, entry: LogEntry): void {
    this.entry = entry
    this.ownRow = ownRow
    this.track = undefined
  }

  /** What stands in its lane for it once it left: settled, as far as the lane is concerned. */
  standIn(): Pending {
    const settled = new Pending(this.entry, this.consumer, this.track, undefined, -1)
    settled.state = state.settled
    settled.settledBehind = this.settledBehind
    this.settledBehind = 0
    return settled
  }
}
