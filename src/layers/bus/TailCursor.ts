/**
 * The cursor of one tail: where it stands in the ring and in every log lane. All that a slow tail
 * costs is this.
 */
import { formatPosition } from "../../domain/TailPosition.ts"
import type { GapReason, TailEvent } from "../../services/Tails.ts"
import { TailPositions } from "./TailPositions.ts"
import { type RingEntry, type TailRing, volatileLane } from "./TailRing.ts"
import type { TailView } from "./TailView.ts"

/** Which log a position is of. */
export interface LogIdentity {
  readonly log: number
  readonly epoch: number
}

/** What a tail needs of an entry. */
type Shown = Pick<RingEntry, "message" | "bytes">

/** A batch in the making. */
export interface Batch {
  readonly events: Array<TailEvent>
  bytes: number
  readonly countMax: number
  readonly bytesMax: number
}

/** Who is given events at once instead of being woken for them. */
export interface Follower {
  /** Most of one call of `write`. */
  readonly countMax: number
  readonly bytesMax: number
  /** Says whether there is room for more. */
  readonly write: (events: ReadonlyArray<TailEvent>) => boolean
  /** Goes on without room; the tail is not parked any more. */
  readonly full: () => void
  /** Goes on after a write that threw. */
  readonly broke: (bug: unknown) => void
}

/** Whether a batch takes no more. */
export const isFull = ({ bytes, bytesMax, countMax, events }: Batch): boolean =>
  events.length >= countMax || bytes >= bytesMax

/** One tail. Mutable: it moves with every message. */
export class TailCursor {
  readonly view: TailView
  /** The incarnation of its subscription; `undefined` for a bare pattern. */
  readonly incarnation: number | undefined
  /** The next offset of each log lane. */
  readonly vector: Float64Array
  /** The next sequence number of the ring, once it reads there. */
  sequence: number
  /** Volatile messages before it were there before the tail. */
  readonly opened: number
  /** Asked for nothing that came before it. */
  readonly beganNow: boolean
  /** Reads the log until it meets the ring. */
  isBehind = true
  /** Asked to begin with what a log that forgets still has: nothing of that is a gap. */
  isOpening: boolean
  /** A gap to tell of before anything else. */
  private gap: { readonly reason: GapReason; readonly missed: number | undefined } | undefined
  /** Continues who waits; there only while parked. */
  resume: (() => void) | undefined = undefined
  /** Why it ended. */
  ended: "Deleted" | "Closed" | undefined = undefined
  readonly identity: LogIdentity
  /** How it is given what its view shows to all, while it is parked. */
  follower: Follower | undefined = undefined
  private readonly positions: TailPositions

  constructor(from: {
    readonly view: TailView
    readonly incarnation: number | undefined
    readonly vector: Float64Array
    readonly sequence: number
    readonly opened: number
    readonly isOpening: boolean
    readonly beganNow: boolean
    readonly gap: GapReason | undefined
    readonly identity: LogIdentity
    readonly now: number
  }) {
    this.view = from.view
    this.incarnation = from.incarnation
    this.vector = from.vector
    this.sequence = from.sequence
    this.opened = from.opened
    this.isOpening = from.isOpening
    this.beganNow = from.beganNow
    this.gap = from.gap === undefined ? undefined : { reason: from.gap, missed: undefined }
    this.identity = from.identity
    this.positions = new TailPositions(from.now)
  }

  /** Resumes behind everything it passed. */
  position(): string {
    return formatPosition({ ...this.identity, next: this.vector })
  }

  /** Goes on in the ring when every lane has come to where the ring begins. */
  join(ring: TailRing): boolean {
    for (let lane = 0; lane < this.vector.length; lane++) { // Measured hot loop, at every wake.
      if ((this.vector[lane] ?? 0) < (ring.base[lane] ?? 0)) return false
    }
    this.isBehind = false
    this.isOpening = false
    this.sequence = Math.max(this.sequence, ring.first)
    return true
  }

  /** Tells of a gap with which it began, or that came to it since. */
  begin(batch: Batch): void {
    if (this.gap === undefined) return
    this.skip(batch, this.gap.reason, this.gap.missed)
    this.gap = undefined
  }

  /** What another pod published did not arrive; told of with what comes next. */
  miss(count: number | undefined): void {
    if (this.gap === undefined) this.gap = { reason: "OtherPod", missed: count }
    else {
      const { missed, reason } = this.gap
      const isKnown = missed !== undefined && count !== undefined
      this.gap = { reason, missed: isKnown ? missed + count : undefined }
    }
  }

  /** Passes everything up to the ring, which a log that forgets has not got any more. */
  jump(ring: TailRing, batch: Batch): void {
    const missed = this.vector.reduce((sum, next, lane) => {
      const base = ring.base[lane] ?? 0
      this.vector[lane] = Math.max(next, base)
      return sum + Math.max(0, base - next)
    }, 0)
    this.skip(batch, "Slow", missed)
  }

  /** Takes from the ring what it shows, until the batch is full or nothing is left. */
  take(ring: TailRing, batch: Batch, now: number): void {
    while (this.sequence < ring.next && !isFull(batch)) {
      const entry = ring.at(this.sequence++)
      if (entry === undefined) throw new Error("the ring lost an entry") // A bug.
      if (entry.logLane === volatileLane) {
        if (this.sequence > this.opened && this.view.shows(entry.message)) {
          this.add(batch, entry, undefined)
        }
      } else if (entry.offset >= (this.vector[entry.logLane] ?? 0)) {
        this.vector[entry.logLane] = entry.offset + 1
        this.show(batch, entry, now)
      }
    }
  }

  /** Adds a logged message that it has just passed, if it is wanted and its time has not passed. */
  show(batch: Batch, entry: Shown, now: number): void {
    const { expiresAt = Number.POSITIVE_INFINITY } = entry.message
    if (expiresAt <= now || !this.view.shows(entry.message)) return
    this.add(batch, entry, this.positions.isDue(now) ? this.position() : undefined)
  }

  /** Adds a gap that it has just passed. */
  skip(batch: Batch, reason: GapReason, missed: number | undefined): void {
    this.positions.given()
    batch.events.push({ _tag: "Gap", reason, missed, position: this.position() })
  }

  private add(batch: Batch, { bytes, message }: Shown, position: string | undefined): void {
    batch.events.push({ _tag: "Message", message, position })
    batch.bytes += bytes
  }
}
