/**
 * What a log begins with, from the rows that were read when its partitions were taken over.
 */
import { millisOfId } from "../../../domain/MessageId.ts"
import { partitionOfLogLane, partitionOfNumber } from "../../../domain/Position.ts"
import type { Recovered } from "../../../services/MessageLog.ts"
import { mergeAttempts, withChanged } from "../AttemptsMerge.ts"
import type { LetterCount, Opened, PartitionRow } from "./Opening.ts"

/** What the block log of a partition begins with. */
export const recoveredOf = (opened: Opened, row: PartitionRow) => {
  const { partition } = row
  const { cursors, ownRows } = withChanged(opened, mergeAttempts(opened, opened.takes))
  const delayed = opened.delayed.get(partition)
  return {
    ...row,
    idMillisMax: delayed === undefined ? 0 : millisOfId(delayed.idMax),
    subscriptions: opened.subscriptions,
    nextIncarnation: opened.nextIncarnation,
    cursors: cursors.filter(({ logLane }) => partitionOfLogLane(logLane) === partition),
    ownRows: ownRows.filter(({ id }) => partitionOfNumber(id) === partition),
    deadLetterCounts: countsOf(opened.deadLetters.filter((count) => count.partition === partition)),
    delayedCount: delayed?.count ?? 0,
    delayedBytes: delayed?.bytes ?? 0,
    sizeBytes: opened.sizes.get(partition) ?? 0,
    damaged: []
  }
}

const countsOf = (counts: ReadonlyArray<LetterCount>): ReadonlyMap<number, number> =>
  new Map(
    [...Map.groupBy(counts, ({ incarnation }) => incarnation)].map(([incarnation, parts]) => [
      incarnation,
      parts.reduce((sum, { count }) => sum + count, 0)
    ])
  )

/** What a log begins with that has no partition yet. */
export const noneRecovered = (
  { nextIncarnation, subscriptions }: Pick<Recovered, "nextIncarnation" | "subscriptions">
): Recovered => ({
  epoch: 0,
  clean: true,
  idMillisMax: 0,
  subscriptions,
  nextIncarnation,
  nextDeadLetter: 1,
  nextOwnRow: 1,
  cursors: [],
  ownRows: [],
  deadLetterCounts: new Map(),
  leases: [],
  delayedCount: 0,
  delayedBytes: 0,
  claims: [],
  damaged: []
})

/** What the whole log begins with. */
export const allRecovered = (opened: Opened, parts: ReadonlyArray<Recovered>): Recovered => {
  const { cursors, ownRows } = withChanged(opened, mergeAttempts(opened, opened.takes))
  const rows = opened.partitions
  const delayed = [...opened.delayed.values()]
  const most = (value: (row: PartitionRow) => number) => Math.max(...rows.map(value))
  return {
    epoch: most(({ epoch }) => epoch),
    clean: rows.every(({ clean }) => clean),
    idMillisMax: Math.max(...parts.map(({ idMillisMax }) => idMillisMax)),
    subscriptions: opened.subscriptions,
    nextIncarnation: opened.nextIncarnation,
    nextDeadLetter: most(({ nextDeadLetter }) => nextDeadLetter),
    nextOwnRow: most(({ nextOwnRow }) => nextOwnRow),
    cursors,
    ownRows,
    deadLetterCounts: countsOf(opened.deadLetters),
    leases: rows.flatMap(({ leases }) => leases),
    delayedCount: delayed.reduce((sum, { count }) => sum + count, 0),
    delayedBytes: delayed.reduce((sum, { bytes }) => sum + bytes, 0),
    claims: parts.flatMap(({ claims }) => claims)
      .toSorted((a, b) => a.acceptedAt - b.acceptedAt),
    damaged: [...opened.damaged, ...parts.flatMap(({ damaged }) => damaged)]
  }
}
