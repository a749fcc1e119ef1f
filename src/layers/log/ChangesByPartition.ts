/**
 * A change cut by the partitions that its parts belong to.
 */
import { partitionOf } from "../../domain/AckId.ts"
import { partitionOfId } from "../../domain/MessageId.ts"
import { partitionCount, partitionOfLogLane, partitionOfNumber } from "../../domain/Position.ts"
import type { Changes } from "../../services/MessageLog.ts"

/** A change that is being put together. */
type Part = { -readonly [Field in keyof Changes]: Changes[Field] }

/**
 * The parts of a change by partition. Subscriptions and the checkpoint belong to none. Leases
 * concern every partition that `owns` names, and no other.
 */
export const changesByPartition = (
  changes: Changes,
  owns: (partition: number) => boolean = () => true
): ReadonlyMap<number, Changes> => {
  const parts = new Map<number, Part>()
  const partOf = (partition: number): Part => {
    const known = parts.get(partition)
    if (known !== undefined) return known
    const made: Part = {}
    parts.set(partition, made)
    return made
  }
  const cut = <A>(
    rows: ReadonlyArray<A> | undefined,
    partitionOf: (row: A) => number,
    put: (part: Part, rows: ReadonlyArray<A>) => void
  ): void => {
    for (const [partition, own] of Map.groupBy(rows ?? [], partitionOf)) put(partOf(partition), own)
  }
  const numbered = ({ id }: { readonly id: number }) => partitionOfNumber(id)
  cut(changes.cursors, ({ logLane }) => partitionOfLogLane(logLane), (part, rows) => {
    part.cursors = rows
  })
  cut(changes.ownRows, numbered, (part, rows) => {
    part.ownRows = rows
  })
  cut(changes.ownRowsRemoved, partitionOfNumber, (part, rows) => {
    part.ownRowsRemoved = rows
  })
  cut(changes.deadLetters, numbered, (part, rows) => {
    part.deadLetters = rows
  })
  cut(changes.deadLettersRemoved, partitionOfNumber, (part, rows) => {
    part.deadLettersRemoved = rows
  })
  cut(changes.delayed, ({ id }) => partitionOfId(id), (part, rows) => {
    part.delayed = rows
  })
  cut(changes.delayedRemoved, partitionOfId, (part, rows) => {
    part.delayedRemoved = rows
  })
  if (changes.leases === undefined) return parts
  // Where there is none now, those stored before are to be forgotten as well.
  for (let partition = 0; partition < partitionCount; partition++) {
    if (owns(partition)) partOf(partition).leases = []
  }
  const owned = changes.leases.filter((lease) => owns(partitionOf(lease)))
  cut(owned, partitionOf, (part, rows) => {
    part.leases = rows
  })
  return parts
}
