/**
 * What several changes come to, so that one statement can store them: no row is touched twice.
 *
 * Pure. Of a row that is written several times the last version counts, and one that is removed in
 * the end is removed, whatever came before.
 */
import type { DeadLetter } from "../../../domain/DeadLetter.ts"
import type { Changes, Cursor, Delayed, LeaseKept, OwnRow } from "../../../services/MessageLog.ts"

/** By key, what stands there in the end: `undefined` for nothing. */
export interface NetChanges {
  readonly cursors: ReadonlyMap<string, Cursor>
  readonly ownRows: ReadonlyMap<number, OwnRow | undefined>
  readonly deadLetters: ReadonlyMap<number, DeadLetter | undefined>
  readonly delayed: ReadonlyMap<string, Delayed | undefined>
  /** All live leases, when any change says. */
  readonly leases: ReadonlyArray<LeaseKept> | undefined
}

/** The net of changes that take effect in order. Subscriptions are not part of a partition. */
export const netOf = (changes: ReadonlyArray<Changes>): NetChanges => {
  const cursors = new Map<string, Cursor>()
  const ownRows = new Map<number, OwnRow | undefined>()
  const deadLetters = new Map<number, DeadLetter | undefined>()
  const delayed = new Map<string, Delayed | undefined>()
  for (const change of changes) {
    for (const cursor of change.cursors ?? []) {
      cursors.set(`${cursor.incarnation}/${cursor.logLane}`, cursor)
    }
    for (const row of change.ownRows ?? []) ownRows.set(row.id, row)
    for (const letter of change.deadLetters ?? []) deadLetters.set(letter.id, letter)
    for (const row of change.delayed ?? []) delayed.set(row.id, row)
    for (const id of change.ownRowsRemoved ?? []) ownRows.set(id, undefined)
    for (const id of change.deadLettersRemoved ?? []) deadLetters.set(id, undefined)
    for (const id of change.delayedRemoved ?? []) delayed.set(id, undefined)
  }
  const leases = changes.findLast((change) => change.leases !== undefined)?.leases
  return { cursors, ownRows, deadLetters, delayed, leases }
}

/** Whether nothing is to be stored. */
export const isEmpty = ({ cursors, deadLetters, delayed, leases, ownRows }: NetChanges): boolean =>
  cursors.size + ownRows.size + deadLetters.size + delayed.size === 0 && leases === undefined
