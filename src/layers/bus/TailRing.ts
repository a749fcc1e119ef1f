/**
 * The ring: the most recent routed entries of the whole bus, shared by all tails.
 *
 * Bounded by count and bytes, whatever tails do: one that is slower reads the log. Every entry has
 * a sequence number; volatile messages stand between the logged ones, in order of arrival.
 */
import { logLaneCount } from "../../domain/Position.ts"
import type { LogEntry } from "../../services/MessageLog.ts"

/** Most entries: more than one batch over HTTP, so that no batch drives a quick tail out. */
export const ringCountMax = 16_384

/** Most bytes of payloads and headers. */
export const ringBytesMax = 16 * 1_048_576

/** `logLane` of a message that is in no log. */
export const volatileLane = -1

/** What the ring knows of an entry; a volatile message has neither lane nor offset. */
export type RingEntry = Pick<LogEntry, "message" | "bytes" | "logLane" | "offset">

/** Recent entries. Mutable on purpose: pushed to at the routing of every message. */
export class TailRing {
  /** Sequence numbers of the first entry held, and of the next one. */
  first = 0
  next = 0
  bytes = 0
  /** Per log lane: everything routed from here on is in the ring. */
  readonly base = new Float64Array(logLaneCount)
  private slots: Array<RingEntry | undefined> = []

  /** Starts to keep what is routed from now on; `seen` is how far routing got per lane. */
  start(seen: Float64Array): void {
    this.first = this.next
    this.base.set(seen)
    this.slots = new Array(ringCountMax)
  }

  /** Forgets everything. */
  stop(): void {
    this.first = this.next
    this.bytes = 0
    this.slots = []
  }

  /** Adds an entry; the oldest ones leave. */
  push(entry: RingEntry): void {
    if (this.next - this.first >= ringCountMax) this.shift()
    this.slots[this.next++ % ringCountMax] = entry
    this.bytes += entry.bytes
    // The newest stays, however large.
    while (this.bytes > ringBytesMax && this.next - this.first > 1) this.shift()
  }

  /** The entry of a sequence number, if held. */
  at(sequence: number): RingEntry | undefined {
    return this.slots[sequence % ringCountMax]
  }

  private shift(): void {
    const slot = this.first++ % ringCountMax
    const gone = this.slots[slot]
    this.slots[slot] = undefined
    if (gone === undefined) return
    this.bytes -= gone.bytes
    if (gone.logLane !== volatileLane) this.base[gone.logLane] = gone.offset + 1
  }
}
