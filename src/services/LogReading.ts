/**
 * What can be asked of a log: parts of its lanes, delayed messages, and to delete its oldest part.
 */
import type { LogEntry } from "./LogEntry.ts"

/** What to read: entries of one log lane at `from` and above whose topic is wanted. */
export interface ScanRequest {
  readonly logLane: number
  readonly from: number
  readonly countMax: number
  /** At least one entry is returned even when it alone is larger. */
  readonly bytesMax: number
  readonly wants: (topic: string) => boolean
}

/**
 * What was read, ascending. Every wanted entry in [`from`, `next`) is either among `entries` or its
 * offset among `damaged`; go on from `next`, which is the head once all is read.
 */
export interface Scanned<Entry = LogEntry> {
  readonly entries: ReadonlyArray<Entry>
  readonly next: number
  readonly damaged: ReadonlyArray<number>
}

/** What to count: entries of one log lane in [`from`, `to`) whose topic is wanted. */
export interface CountRequest {
  readonly logLane: number
  readonly from: number
  readonly to: number
  readonly wants: (topic: string) => boolean
}

/** The place of a delayed message in the order in which they are due. */
export interface DelayedKey {
  readonly dueAt: number
  readonly id: string
}

/**
 * What may be deleted: whole blocks, from the oldest on, up to the first that is needed or neither
 * too old nor too much.
 */
export interface TruncateRequest {
  /** By log lane, the offset from which on entries are needed. */
  readonly needed: ArrayLike<number>
  /** Unix milliseconds; what entered the log before is too old. */
  readonly olderThan: number
  /** While the log occupies more bytes, it is too much. */
  readonly bytesMax: number
}

/** What was deleted. */
export interface Truncated {
  readonly entries: number
  /** Bytes of the deleted blocks. */
  readonly bytes: number
  /** The call reached its budget: there is more to delete. */
  readonly more: boolean
}
