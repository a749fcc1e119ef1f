/**
 * How many messages wait for their time, by partition.
 */
import { PartitionCounts } from "./PartitionCounts.ts"

/** Messages that wait or are about to be stored, and their bytes. */
export class DelayCounts {
  private readonly counts = new PartitionCounts()
  private readonly sizes = new PartitionCounts()

  get count(): number {
    return this.counts.total
  }

  get bytes(): number {
    return this.sizes.total
  }

  /** Counts what a partition had when it was taken over, or what came and went since. */
  recover(partition: number, count: number, bytes: number): void {
    this.counts.add(partition, count)
    this.sizes.add(partition, bytes)
  }

  /** Another process has a partition now, with what waits in it. */
  drop(partition: number): void {
    this.counts.drop(partition)
    this.sizes.drop(partition)
  }
}
