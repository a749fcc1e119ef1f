/**
 * Which blocks may hold a message id, and which are too old: a few numbers for each block.
 *
 * The ids of a block are not those of its neighbours' times: a delayed message enters the log long
 * after its id was made. So every block has the range of its own ids, and all are looked through.
 */

/** What is known of a block. Times are Unix milliseconds. */
export interface BlockTime {
  readonly block: number
  /** The earliest and latest time an id carries. */
  readonly idMillisMin: number
  readonly idMillisMax: number
  /** When its last message entered the log. */
  readonly enteredMax: number
  /** Of header and bodies. */
  readonly bytes: number
  /** How many of its messages have an idempotency key. */
  readonly claims: number
}

const width = 6

/** Grows by doubling; six numbers per block. Mutable on purpose: one addition per commit. */
export class BlockTimes {
  private rows = new Float64Array(width * 64)
  private start = 0
  private end = 0

  /** How many blocks there are. */
  get length(): number {
    return (this.end - this.start) / width
  }

  /** Adds a block; blocks come in ascending order. */
  add({ block, bytes, claims, enteredMax, idMillisMax, idMillisMin }: BlockTime): void {
    if (this.end === this.rows.length) this.makeRoom()
    this.rows.set([block, idMillisMin, idMillisMax, enteredMax, bytes, claims], this.end)
    this.end += width
  }

  /** The block at a place in the order, 0 being the oldest. */
  at(place: number): BlockTime | undefined {
    const row = this.start + place * width
    if (row >= this.end) return undefined
    const [block = 0, idMillisMin = 0, idMillisMax = 0, enteredMax = 0, bytes = 0, claims = 0] =
      this.rows.subarray(row, row + width)
    return { block, idMillisMin, idMillisMax, enteredMax, bytes, claims }
  }

  /** Forgets all blocks below one. */
  drop(below: number): void {
    while (this.start < this.end && (this.rows[this.start] ?? 0) < below) this.start += width
  }

  /** The blocks with ids around `millis`, newest first. */
  around(millis: number): ReadonlyArray<number> {
    const { rows, start } = this
    const found: Array<number> = []
    for (let at = this.end - width; at >= start; at -= width) { // About 1 ns each: no index pays.
      const inside = (rows[at + 1] ?? 0) <= millis && millis <= (rows[at + 2] ?? 0)
      if (inside) found.push(rows[at] ?? 0)
    }
    return found
  }

  /** Twice the room, or the same without what was forgotten when that is half. */
  private makeRoom(): void {
    const used = this.rows.subarray(this.start, this.end)
    const isHalfEmpty = this.start * 2 >= this.rows.length
    const room = isHalfEmpty ? this.rows : new Float64Array(this.rows.length * 2)
    room.set(used)
    this.rows = room
    this.end -= this.start
    this.start = 0
  }
}
