/**
 * Merging journalled hand-outs into the progress that was stored before them.
 */
import { ownRowLane } from "../../domain/AckId.ts"
import { isSettled } from "../../domain/Progress.ts"
import type { Subscription } from "../../domain/Subscription.ts"
import type { Cursor, OwnRow, Take } from "../../services/MessageLog.ts"
import { cursorKey } from "./Rows.ts"

/** What a log holds about deliveries. */
export interface Progressed {
  readonly subscriptions: ReadonlyArray<Subscription>
  readonly cursors: ReadonlyArray<Cursor>
  readonly ownRows: ReadonlyArray<OwnRow>
}

/**
 * The cursors and own rows that change when the greater number of attempts counts.
 *
 * Hand-outs of what was settled since, or of subscriptions and rows that are gone, say nothing. A
 * lane without a cursor gets one that begins where its subscription does.
 */
export const mergeAttempts = (
  { cursors, ownRows, subscriptions }: Progressed,
  takes: ReadonlyArray<Take>
): Pick<Progressed, "cursors" | "ownRows"> => {
  const inLanes = takes.filter(({ logLane }) => logLane !== ownRowLane)
  const byLane = Map.groupBy(inLanes, ({ incarnation, logLane }) => `${incarnation}/${logLane}`)
  const known = new Map(
    cursors.map((cursor) => [`${cursor.incarnation}/${cursor.logLane}`, cursor])
  )
  const started = new Map(subscriptions.map(({ incarnation, starts }) => [incarnation, starts]))
  const ofRows = new Map<number, number>()
  for (const { attempt, logLane, offset } of takes) {
    if (logLane === ownRowLane) ofRows.set(offset, Math.max(attempt, ofRows.get(offset) ?? 0))
  }
  return {
    cursors: [...byLane].flatMap(([lane, [first, ...rest]]) => {
      const floor = started.get(first?.incarnation ?? 0)?.[first?.logLane ?? 0]
      if (first === undefined || floor === undefined) return []
      const { incarnation, logLane } = first
      const none = { incarnation, logLane, floor, ranges: [], attempts: [] }
      return [withAttempts(known.get(lane) ?? none, [first, ...rest])]
    }),
    ownRows: ownRows.flatMap((row) => {
      const attempts = ofRows.get(row.id) ?? 0
      return attempts > row.attempts ? [{ ...row, attempts }] : []
    })
  }
}

const withAttempts = (cursor: Cursor, takes: ReadonlyArray<Take>): Cursor => {
  const attempts = new Map<number, number>()
  const note = (offset: number, attempt: number): void => {
    if (isSettled(cursor, offset)) return
    attempts.set(offset, Math.max(attempt, attempts.get(offset) ?? 0))
  }
  cursor.attempts.forEach((offset, at) => {
    if (at % 2 === 0) note(offset, cursor.attempts[at + 1] ?? 0)
  })
  for (const { attempt, offset } of takes) note(offset, attempt)
  return { ...cursor, attempts: [...attempts].toSorted(([a], [b]) => a - b).flat() }
}

/** What is stored, with what changed in its place. */
export const withChanged = (
  stored: Pick<Progressed, "cursors" | "ownRows">,
  changed: Pick<Progressed, "cursors" | "ownRows">
) => {
  const lanes = new Set(changed.cursors.map((cursor) => cursorKey(cursor)))
  const rows = new Set(changed.ownRows.map(({ id }) => id))
  return {
    cursors: [...stored.cursors.filter((c) => !lanes.has(cursorKey(c))), ...changed.cursors],
    ownRows: [...stored.ownRows.filter(({ id }) => !rows.has(id)), ...changed.ownRows]
      .toSorted((a, b) => a.id - b.id)
  }
}
