/**
 * A track: the progress of one subscription in one log lane, at run time.
 *
 * Matching deliveries stand in offset order; the floor is the first unsettled one. Offsets that do
 * not match are never stored and never hold the floor.
 */
import * as Progress from "../../domain/Progress.ts"
import type { Cursor } from "../../services/MessageLog.ts"
import { Fifo } from "./Fifo.ts"
import { isHandedOut } from "./LeasesKept.ts"
import { type Pending, state } from "./Pending.ts"

/** Settled deliveries that a lane may keep behind unsettled ones, unless those are more. */
export const settledKeptMax = 256

/** Progress in one lane. */
export class Track {
  readonly logLane: number
  private pending = new Fifo<Pending>()
  /** How many of `pending` are settled. */
  private settledKept = 0
  /** Every offset below it was looked at. */
  private next: number
  /** What a former process, or an ack ahead of reading, settled at or above `next`. */
  private ahead: Progress.Progress
  /** Attempts that a former process made, by offset, until their deliveries are read. */
  private readonly attempts: Map<number, number>
  /** Whether something changed since the cursor was last taken. */
  dirty = false

  constructor(logLane: number, start: number, cursor?: Cursor) {
    this.logLane = logLane
    this.ahead = cursor === undefined
      ? Progress.startingAt(start)
      : { floor: cursor.floor, ranges: cursor.ranges }
    this.next = this.ahead.floor
    this.attempts = new Map()
    const flat = cursor?.attempts ?? []
    for (let at = 0; at + 1 < flat.length; at += 2) { // Pairs in a flat array: as it is stored.
      this.attempts.set(flat[at] ?? 0, flat[at + 1] ?? 0)
    }
  }

  /** How many deliveries it holds in memory. */
  get kept(): number {
    return this.pending.length
  }

  /** Where reading has to go on. */
  get position(): number {
    return this.next
  }

  /** The oldest unsettled offset in memory, if there is one. */
  get oldest(): number | undefined {
    return this.pending.at(0)?.entry.offset
  }

  /** The settled stretches between two offsets that were not read yet. */
  settledAheadOf(from: number, to: number) {
    return Progress.settledBetween(this.ahead, from, to)
  }

  /** Whether `offset` is settled although it may not have been read. */
  settledAhead(offset: number): boolean {
    return Progress.isSettled(this.ahead, offset)
  }

  /** Attempts of a former process at `offset`, until it is read. */
  attemptsAt(offset: number): number {
    return this.attempts.get(offset) ?? 0
  }

  /** Attempts of a former process at `offset`; asked once, when the delivery is read. */
  takeAttempts(offset: number): number {
    if (this.attempts.size === 0) return 0
    const attempts = this.attemptsAt(offset)
    this.attempts.delete(offset)
    return attempts
  }

  /** Adds the next matching delivery; offsets ascend. */
  add(delivery: Pending): void {
    this.pending.push(delivery)
    this.next = delivery.entry.offset + 1
    if (delivery.state === state.settled) this.settled()
  }

  /** Notes that every match below `offset` was added. */
  passed(offset: number): void {
    if (offset > this.next) this.next = offset
  }

  /** One of its deliveries was settled: drops those at the front, so that the floor rises. */
  settled(): void {
    this.settledKept++
    while (this.pending.at(0)?.state === state.settled) {
      this.pending.shift()
      this.settledKept--
    }
    if (this.settledKept > settledKeptMax && this.settledKept * 2 > this.pending.length) {
      this.compact()
    }
  }

  /**
   * Takes out every delivery behind the last begun one: reading goes on there. What settled among
   * them stays, with all before it, or it would be read again.
   */
  giveUpTail(): ReadonlyArray<Pending> {
    let kept = 0 // One pass over what may be thousands.
    let next = this.next
    for (let at = 0; at < this.pending.length; at++) {
      const delivery = this.pending.at(at)
      if (delivery === undefined || !isBegun(delivery)) continue
      kept = at + 1
      next = reachOf(delivery)
    }
    const given: Array<Pending> = []
    const first = this.pending.at(0)
    const all = this.pending.takeAll()
    all.forEach((delivery, at) => at < kept ? this.pending.push(delivery) : given.push(delivery))
    if (given.length > 0) this.next = kept > 0 ? next : first?.entry.offset ?? this.next
    return given
  }

  /** Forgets what is settled behind unsettled ones, which note how far it reached. */
  private compact(): void {
    const kept = new Fifo<Pending>()
    let last: Pending | undefined = undefined // One pass; the first one is unsettled.
    for (let at = 0; at < this.pending.length; at++) {
      const delivery = this.pending.at(at)
      if (delivery === undefined) continue
      if (delivery.state !== state.settled) {
        kept.push(delivery)
        last = delivery
      } else if (last !== undefined) last.settledBehind = reachOf(delivery)
    }
    this.pending = kept
    this.settledKept = 0
  }

  /** Settles an offset that was not read yet; false when it was settled before. */
  settleAhead(offset: number): boolean {
    if (Progress.isSettled(this.ahead, offset)) return false
    this.ahead = Progress.settle(this.ahead, offset)
    this.attempts.delete(offset)
    return true
  }

  /** A delivery leaves for a row of its own: it is settled here. */
  leave(delivery: Pending): void {
    const at = this.indexOf(delivery.entry.offset)
    if (this.pending.at(at) !== delivery) throw new Error("a delivery is not in its lane") // A bug.
    this.pending.replace(at, delivery.standIn())
    this.settled()
  }

  /**
   * The oldest deliveries that may leave so that at most `rangesMax` ranges are left: all between
   * two settled stretches, unless one of them is handed out.
   */
  surplus(rangesMax: number): ReadonlyArray<Pending> {
    // Each range ends at an unsettled delivery or lies ahead, so mostly this is all.
    const rangesAtMost = this.pending.length - this.settledKept + this.ahead.ranges.length / 2 + 1
    if (rangesAtMost <= rangesMax) return []
    let excess = this.cursor(0).ranges.length / 2 - rangesMax
    const chosen: Array<Pending> = []
    let gap: Array<Pending> = [] // One pass over at least ten thousand deliveries.
    for (let at = 0; at < this.pending.length && excess > 0; at++) {
      const delivery = this.pending.at(at)
      if (delivery === undefined) continue
      if (delivery.state !== state.settled) gap.push(delivery)
      if (delivery.state !== state.settled && delivery.settledBehind === 0) continue
      if (gap.length > 0 && !gap.some(isHandedOut)) {
        for (const unsettled of gap) chosen.push(unsettled)
        excess--
      }
      gap = []
    }
    return chosen
  }

  /** The unsettled delivery at `offset`, when it is in memory. */
  find(offset: number): Pending | undefined {
    const found = this.pending.at(this.indexOf(offset))
    return found?.entry.offset === offset && found.state !== state.settled ? found : undefined
  }

  /** How many deliveries in memory lie below `offset`. */
  private indexOf(offset: number): number {
    let low = 0 // Binary search over ascending offsets: acks arrive by the thousand.
    let high = this.pending.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.pending.at(middle)?.entry.offset ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Every unsettled delivery in memory, in order. */
  *unsettled(): Generator<Pending> {
    for (let at = 0; at < this.pending.length; at++) { // A closure per item would cost more here.
      const delivery = this.pending.at(at)
      if (delivery !== undefined && delivery.state !== state.settled) yield delivery
    }
  }

  /** The progress as it is stored. Neighbouring settled matches join: what lies between is none. */
  cursor(incarnation: number): Cursor {
    const ranges: Array<number> = []
    const attempts: Array<number> = []
    let open = false // One pass over what may be thousands of deliveries, ten times a second.
    for (let at = 0; at < this.pending.length; at++) {
      const delivery = this.pending.at(at)
      if (delivery === undefined) continue
      const { offset } = delivery.entry
      if (delivery.state === state.settled) {
        if (!open) ranges.push(offset, reachOf(delivery))
        else ranges[ranges.length - 1] = reachOf(delivery)
        open = true
      } else {
        open = delivery.settledBehind > 0
        if (open) ranges.push(offset + 1, delivery.settledBehind)
        if (delivery.attempts > 0) attempts.push(offset, delivery.attempts)
      }
    }
    const beyond = Progress.raise(this.ahead, this.next)
    const floor = this.pending.at(0)?.entry.offset ?? beyond.floor
    if (this.pending.length > 0 && beyond.floor > this.next) ranges.push(this.next, beyond.floor)
    this.attempts.forEach((count, offset) => attempts.push(offset, count))
    return {
      incarnation,
      logLane: this.logLane,
      floor,
      ranges: [...ranges, ...beyond.ranges],
      attempts
    }
  }
}

/** Whether more is known of a delivery than that it is there. */
const isBegun = ({ attempts, handOut, settledBehind, state: now }: Pending): boolean =>
  now !== state.queued || attempts > 0 || handOut > 0 || settledBehind > 0

/** Up to which offset everything from a settled delivery on is settled. */
const reachOf = ({ entry, settledBehind }: Pending): number =>
  Math.max(entry.offset + 1, settledBehind)
