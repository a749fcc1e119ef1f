/**
 * The numbers of dead letters and own rows: ever greater ones, each of which names the partition
 * that its row belongs to.
 */
import { numberOf } from "../../domain/Position.ts"
import type { Recovered } from "../../services/MessageLog.ts"

/** The next numbers. Mutable: each is given once. */
export class Numbers {
  /** Above every number given so far. */
  ownRowsEnd: number
  deadLettersEnd: number

  constructor({ nextDeadLetter, nextOwnRow }: Pick<Recovered, "nextDeadLetter" | "nextOwnRow">) {
    this.ownRowsEnd = nextOwnRow
    this.deadLettersEnd = nextDeadLetter
  }

  /** Rows with numbers below these are there. */
  raise({ nextDeadLetter, nextOwnRow }: Pick<Recovered, "nextDeadLetter" | "nextOwnRow">): void {
    this.ownRowsEnd = Math.max(this.ownRowsEnd, nextOwnRow)
    this.deadLettersEnd = Math.max(this.deadLettersEnd, nextDeadLetter)
  }

  /** The number of a new own row. */
  ownRow(partition: number): number {
    const number = numberOf(this.ownRowsEnd, partition)
    this.ownRowsEnd = number + 1
    return number
  }

  /** The number of a new dead letter. */
  deadLetter(partition: number): number {
    const number = numberOf(this.deadLettersEnd, partition)
    this.deadLettersEnd = number + 1
    return number
  }
}
