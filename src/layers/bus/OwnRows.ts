/**
 * Own rows: deliveries that left their lane for a row with a full copy of their message, because
 * they wait for long, are parked, were replayed, or stood in the way of the floor.
 *
 * Such a delivery holds no slot and no read-ahead, and the progress of its lane passes it: row and
 * progress share a commit. They are in memory too, so their number and bytes have a limit; beyond
 * it a delivery stays where it is, and costs its slot. Source: design, section 5.
 */
import type { LogEntry } from "../../services/MessageLog.ts"
import type { Core } from "./Core.ts"
import { isHandedOut } from "./LeasesKept.ts"
import { Pending } from "./Pending.ts"
import type { Track } from "./Track.ts"

/** Shortest wait, in milliseconds, that is worth a row. Source: design, section 5, "Slot". */
export const ownRowFromMs = 5_000

/** Most own rows of a log, and of their payloads and headers in bytes, all in memory. */
export interface OwnRowLimits {
  readonly countMax: number
  readonly bytesMax: number
}

/** 1 M rows and 64 MiB. Source: design, section 9, "Limits". */
export const ownRowLimits: OwnRowLimits = { countMax: 1_000_000, bytesMax: 64 * 1_048_576 }

/** The own rows of a bus. Each is registered at its consumer, by id; ids ascend there. */
export class OwnRows {
  private readonly limits: OwnRowLimits
  /** By message id: one, or one for each of some subscriptions. There may be a million. */
  private readonly byMessage = new Map<string, Pending | ReadonlyArray<Pending>>()
  count = 0
  bytes = 0
  /** How often a delivery stayed in its lane because there was no room. */
  refused = 0

  constructor(limits: OwnRowLimits) {
    this.limits = limits
  }

  /** Whether `count` more rows, of so many bytes together, would be too many. */
  isFull(bytes: number, count = 1): boolean {
    return this.count + count > this.limits.countMax || this.bytes + bytes > this.limits.bytesMax
  }

  /** Registers a delivery that has a row. */
  add(delivery: Pending): void {
    const { consumer, entry, ownRow } = delivery
    const { id } = entry.message
    const others = this.of(id)
    consumer.ownRows.set(ownRow, delivery)
    this.byMessage.set(id, others.length === 0 ? delivery : [...others, delivery])
    this.count++
    this.bytes += entry.bytes
  }

  /** The deliveries of a message that have rows. */
  of(id: string): ReadonlyArray<Pending> {
    const found = this.byMessage.get(id) ?? []
    return found instanceof Pending ? [found] : found
  }

  /** How many messages have rows. */
  get messages(): number {
    return this.byMessage.size
  }

  /** Its row ended. */
  remove(delivery: Pending): void {
    const { consumer, entry, ownRow } = delivery
    if (!consumer.ownRows.delete(ownRow)) return
    const { id } = entry.message
    const others = this.of(id).filter((other) => other !== delivery)
    if (others.length === 0) this.byMessage.delete(id)
    else this.byMessage.set(id, others)
    this.count--
    this.bytes -= entry.bytes
  }
}

/**
 * Gives a delivery a row of its own, if it has none, and notes that what is stored of it changed.
 * False when there is no room; then nothing happened.
 *
 * The object stays the same, so that it keeps its place in every queue and in the table of keys.
 */
export const toOwnRow = (core: Core, delivery: Pending): boolean => {
  const { consumer, entry, track } = delivery
  if (track === undefined) {
    core.settler.touchOwnRow(delivery)
    return true
  }
  if (core.ownRows.isFull(entry.bytes)) {
    core.ownRows.refused++
    return false
  }
  core.free(delivery)
  track.leave(delivery)
  delivery.moveTo(core.numbers.ownRow(entry.partition), ownEntry(entry, entry.offset))
  if (--entry.pending === 0) core.log.release(entry)
  core.ownRows.add(delivery)
  core.settler.touch(consumer, track)
  core.settler.touchOwnRow(delivery)
  return true
}

/** The copy of an entry that an own row keeps: it stands for itself, not for a place in the log. */
export const ownEntry = (entry: LogEntry, after: number): LogEntry => ({
  ...entry,
  offset: after,
  pending: 0
})

/**
 * Moves the oldest deliveries out of a lane whose progress has more than `rangesMax` ranges.
 *
 * Never one that is handed out, here or by a former process: its ack id names its place in the
 * lane, and its lease or handler goes on. Those are at most `leasesMax` and the workers, so that
 * the ranges stay bounded.
 */
export const shorten = (core: Core) => (track: Track): void => {
  for (const delivery of track.surplus(core.options.rangesMax)) {
    if (!isHandedOut(delivery) && !toOwnRow(core, delivery)) return
  }
}
