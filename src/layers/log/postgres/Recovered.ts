/**
 * What a log begins with, from the rows that were read when its partitions were taken over.
 */
import { millisOfId } from "../../../domain/MessageId.ts"
import { partitionOfLogLane, partitionOfNumber } from "../../../domain/Position.ts"
import type { Recovered } from "../../../services/MessageLog.ts"
import { mergeAttempts, withChanged } from "../AttemptsMerge.ts"
import type { Opened, PartitionRow } from "./Opening.ts"

/** What the block log of a partition begins with. */
export const recoveredOf = (opened: Opened, row: PartitionRow) => {
  const { cursors, ownRows } = withChanged(opened, mergeAttempts(opened, opened.takes))
  const { delayedIdMax } = opened
  return {
    ...row,
    idMillisMax: delayedIdMax === undefined ? 0 : millisOfId(delayedIdMax),
    subscriptions: opened.subscriptions,
    nextIncarnation: opened.nextIncarnation,
    cursors: cursors.filter(({ logLane }) => partitionOfLogLane(logLane) === row.partition),
    ownRows: ownRows.filter(({ id }) => partitionOfNumber(id) === row.partition),
    deadLetterCounts: opened.deadLetterCounts,
    delayedCount: opened.delayedCount,
    delayedBytes: opened.delayedBytes,
    sizeBytes: opened.sizes.get(row.partition) ?? 0,
    damaged: []
  }
}

/** What the whole log begins with. */
export const allRecovered = (opened: Opened, parts: ReadonlyArray<Recovered>): Recovered => {
  const { cursors, ownRows } = withChanged(opened, mergeAttempts(opened, opened.takes))
  const rows = opened.partitions
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
    deadLetterCounts: opened.deadLetterCounts,
    leases: rows.flatMap(({ leases }) => leases),
    delayedCount: opened.delayedCount,
    delayedBytes: opened.delayedBytes,
    claims: parts.flatMap(({ claims }) => claims)
      .toSorted((a, b) => a.acceptedAt - b.acceptedAt),
    damaged: [...opened.damaged, ...parts.flatMap(({ damaged }) => damaged)]
  }
}
