/**
 * The unsettled entries of one log lane, ascending by offset, in a ring that grows by doubling.
 *
 * Settled entries leave from the front. Those behind a long-running front are swept out once they
 * are more than the unsettled ones, so that one stuck delivery never keeps the rest in memory.
 */
import type { LogEntry } from "../../services/MessageLog.ts"

/** Settled entries are only swept from within when there are more of them than this. */
const sweepMin = 64

/** One lane. Mutable on purpose: a push and a shift for every message (hot path). */
export class EntryRing {
  /** The offset the next entry gets. */
  head = 0
  /** Payload and header bytes of the entries held. */
  bytes = 0
  private slots: Array<LogEntry | undefined> = new Array(16)
  private start = 0
  private size = 0
  private settled = 0

  /** The lowest unsettled offset, or the head. */
  get first(): number {
    return this.size === 0 ? this.head : this.at(0)?.offset ?? this.head
  }

  /** Gives `entry` the next offset and keeps it. */
  push(entry: LogEntry): void {
    if (this.size === this.slots.length) this.resize(this.slots.length * 2)
    entry.offset = this.head++
    this.slots[(this.start + this.size++) & (this.slots.length - 1)] = entry
    this.bytes += entry.bytes
  }

  /** Tells that an entry of this lane is settled. */
  settle(): void {
    this.settled++
    this.trim()
    if (this.settled > sweepMin && this.settled * 2 > this.size) this.sweep()
  }

  /** The unsettled entries at `from` and above, ascending. */
  *from(from: number): Generator<LogEntry> {
    for (let index = this.indexOf(from); index < this.size; index++) {
      const entry = this.at(index)
      if (entry !== undefined && entry.pending > 0) yield entry
    }
  }

  private at(index: number): LogEntry | undefined {
    return this.slots[(this.start + index) & (this.slots.length - 1)]
  }

  /** How many of the entries held lie below `offset`: a binary search, for there may be gaps. */
  private indexOf(offset: number): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.at(middle)?.offset ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  private trim(): void {
    while (this.size > 0) {
      const entry = this.at(0)
      if (entry !== undefined && entry.pending > 0) return
      this.slots[this.start] = undefined
      this.start = (this.start + 1) & (this.slots.length - 1)
      this.size--
      this.settled--
      this.bytes -= entry?.bytes ?? 0
    }
    this.settled = 0
  }

  private sweep(): void {
    const kept = [...this.from(0)]
    this.slots = new Array(Math.max(16, 2 ** Math.ceil(Math.log2(kept.length + 1))))
    this.start = 0
    this.size = kept.length
    this.settled = 0
    this.bytes = kept.reduce((sum, entry, index) => {
      this.slots[index] = entry
      return sum + entry.bytes
    }, 0)
  }

  private resize(capacity: number): void {
    const slots: Array<LogEntry | undefined> = new Array(capacity)
    for (let index = 0; index < this.size; index++) slots[index] = this.at(index)
    this.slots = slots
    this.start = 0
  }
}
