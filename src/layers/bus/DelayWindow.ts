/**
 * The delay window: those delayed messages that are due first, in memory; the log has all of them.
 *
 * What is due later than the last one held is not held, unless all are. So a million delayed
 * messages cost no more memory than the window, and nothing is read twice.
 */
import type { Delayed, DelayedKey } from "../../services/MessageLog.ts"

/** Most messages held, and their payloads and headers in bytes. */
export const windowMax = { count: 1_000, bytes: 1_048_576 } as const

const isBefore = (a: DelayedKey, b: DelayedKey): boolean =>
  a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.id < b.id)

/** Sorted by due time. Mutable on purpose: it changes with every delayed message. */
export class DelayWindow {
  private rows: Array<Delayed> = []
  private bytes = 0
  /** Everything due after it is in the log alone; `undefined`: from the first one on. */
  last: DelayedKey | undefined = undefined
  /** Nothing is due after `last`. */
  isComplete: boolean
  /** What was stored while a page was read, which may hold it or not. */
  private added: Array<Delayed> | undefined = undefined
  /** Grows each time everything is forgotten. */
  private epoch = 0

  constructor(isComplete: boolean) {
    this.isComplete = isComplete
  }

  /** What is held, by due time. */
  get held(): ReadonlyArray<Delayed> {
    return this.rows
  }

  /** Whether the log must be asked for what is due next. */
  get needsPage(): boolean {
    return this.rows.length === 0 && !this.isComplete
  }

  /** Forgets what is held, to ask the log for it again; also for a page that is being read. */
  clear(isComplete: boolean): void {
    this.rows = []
    this.bytes = 0
    this.last = undefined
    this.isComplete = isComplete
    this.epoch++
    this.added = undefined
  }

  /** A message was stored. */
  add(row: Delayed): void {
    if (this.added !== undefined) this.added.push(row)
    else if (this.isComplete || (this.last !== undefined && !isBefore(this.last, row))) {
      this.insert(row)
      this.trim()
    }
  }

  /** A page is about to be read; what is returned tells it from one before a `clear`. */
  beginPage(): number {
    this.added = []
    return this.epoch
  }

  /** The page was read; `undefined` when that failed. Void when everything was forgotten since. */
  endPage(page: ReadonlyArray<Delayed> | undefined, begun: number): void {
    if (begun !== this.epoch) return
    const added = this.added ?? []
    this.added = undefined
    if (page !== undefined) {
      this.isComplete = page.length === 0
      this.last = page.at(-1) ?? this.last
      const held = new Set(this.rows.map(({ id }) => id))
      for (const row of page) if (!held.has(row.id)) this.insert(row)
    }
    const held = new Set(this.rows.map(({ id }) => id))
    for (const row of added) if (!held.has(row.id)) this.add(row)
  }

  /** These messages left, all of them held or beyond the last one. */
  remove(gone: ReadonlySet<string>): void {
    this.rows = this.rows.filter((row) => {
      if (!gone.has(row.id)) return true
      this.bytes -= row.bytes
      return false
    })
  }

  private insert(row: Delayed): void {
    let low = 0 // Binary search.
    let high = this.rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.rows[middle]
      if (other !== undefined && isBefore(row, other)) high = middle
      else low = middle + 1
    }
    // A page may have held it before its own commit was heard of.
    if (this.rows[low - 1]?.id === row.id) return
    this.rows.splice(low, 0, row)
    this.bytes += row.bytes
  }

  /** Lets go of what is due last when it holds too much. */
  private trim(): void {
    const isOver = () => this.rows.length > windowMax.count || this.bytes > windowMax.bytes
    while (this.rows.length > 1 && isOver()) {
      this.bytes -= this.rows.pop()?.bytes ?? 0
      this.last = this.rows.at(-1)
      this.isComplete = false
    }
  }
}
