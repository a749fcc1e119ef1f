/**
 * Own rows whose turn has not come: their lane was not read up to their place yet.
 *
 * Per lane by place and then by age, so that reading takes them from the front: there may be a
 * million of them, and it asks with every message.
 */
import type { Pending } from "./Pending.ts"

interface Lane {
  /** Latest first, so that taking the first one is a pop. */
  readonly rows: Array<Pending>
  sorted: boolean
}

const latestFirst = (a: Pending, b: Pending): number =>
  b.entry.offset - a.entry.offset || b.ownRow - a.ownRow

/** The rows ahead of one consumer. */
export class OwnRowsAhead {
  private readonly lanes = new Map<number, Lane>()
  /** How many there are. */
  size = 0

  /** Adds one. */
  add(delivery: Pending): void {
    const { logLane } = delivery.entry
    const lane = this.lanes.get(logLane)
    if (lane === undefined) this.lanes.set(logLane, { rows: [delivery], sorted: true })
    else {
      lane.rows.push(delivery)
      lane.sorted = false
    }
    this.size++
  }

  /** Takes the next one of a lane whose place is not above `offset`. */
  take(logLane: number, offset: number): Pending | undefined {
    const lane = this.lanes.get(logLane)
    if (lane === undefined) return undefined
    if (!lane.sorted) lane.rows.sort(latestFirst) // In place: it is this array's own.
    lane.sorted = true
    const next = lane.rows[lane.rows.length - 1]
    if (next === undefined || next.entry.offset > offset) return undefined
    lane.rows.pop()
    this.size--
    return next
  }

  /** Takes all, lane by lane. */
  takeAll(): ReadonlyArray<Pending> {
    const all = [...this.lanes.values()].flatMap(({ rows }) =>
      rows.toSorted(latestFirst).toReversed()
    )
    this.lanes.clear()
    this.size = 0
    return all
  }
}
