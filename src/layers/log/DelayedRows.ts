/**
 * Delayed messages in memory, in the order in which they are due.
 *
 * A sorted array: most are added near its end and leave at its front, and moving the rest of a
 * million numbers takes less than a millisecond.
 */
import type { Delayed, DelayedKey } from "../../services/MessageLog.ts"

/** The rows; the bus bounds how many. Mutable on purpose. */
export class DelayedRows {
  private readonly byId = new Map<string, Delayed>()
  private readonly rows: Array<Delayed> = []

  /** Adds a row, or replaces the one of that id. */
  put(row: Delayed): void {
    this.remove(row.id)
    this.byId.set(row.id, row)
    this.rows.splice(this.placeAfter(row), 0, row)
  }

  /** Removes a row, if it is there. */
  remove(id: string): void {
    const row = this.byId.get(id)
    if (row === undefined) return
    this.byId.delete(id)
    this.rows.splice(this.placeAfter(row) - 1, 1)
  }

  /** The row of an id. */
  find(id: string): Delayed | undefined {
    return this.byId.get(id)
  }

  /** Rows due after a place, ascending; at least one, whatever its bytes. */
  page(after: DelayedKey | undefined, limit: number, bytesMax: number): ReadonlyArray<Delayed> {
    const found: Array<Delayed> = []
    let bytes = 0 // A running sum.
    for (let at = after === undefined ? 0 : this.placeAfter(after); at < this.rows.length; at++) {
      const row = this.rows[at]
      if (row === undefined || found.length >= limit) break
      bytes += row.bytes
      if (bytes > bytesMax && found.length > 0) break
      found.push(row)
    }
    return found
  }

  /** How many rows are due at or before a place: a binary search. */
  private placeAfter({ dueAt, id }: DelayedKey): number {
    let low = 0
    let high = this.rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const row = this.rows[middle]
      const isAfter = row !== undefined &&
        (row.dueAt > dueAt || (row.dueAt === dueAt && row.id > id))
      if (isAfter) high = middle
      else low = middle + 1
    }
    return low
  }
}
