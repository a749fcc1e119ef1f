/**
 * Which blocks may hold a message id: the range of times the ids of each block carry.
 */

/** Grows by doubling; three numbers per block. Mutable on purpose: one addition per commit. */
export class BlockTimes {
  private rows = new Float64Array(3 * 64)
  private length = 0

  /** Adds a block; blocks come in ascending order. */
  add(block: number, millisMin: number, millisMax: number): void {
    if (this.length === this.rows.length) {
      const grown = new Float64Array(this.rows.length * 2)
      grown.set(this.rows)
      this.rows = grown
    }
    this.rows.set([block, millisMin, millisMax], this.length)
    this.length += 3
  }

  /** The blocks with ids around `millis`, newest first. */
  around(millis: number): ReadonlyArray<number> {
    const found: Array<number> = []
    for (let at = this.length - 3; at >= 0; at -= 3) { // About 1 ns per block: no index pays.
      const inside = (this.rows[at + 1] ?? 0) <= millis && millis <= (this.rows[at + 2] ?? 0)
      if (inside) found.push(this.rows[at] ?? 0)
    }
    return found
  }
}
