/**
 * Sums over the partitions that this process has, of which one may leave with its share.
 */
export class PartitionCounts {
  total = 0
  private readonly parts = new Map<number, number>()

  /** Adds to the share of a partition. */
  add(partition: number, by: number): void {
    this.total += by
    this.parts.set(partition, (this.parts.get(partition) ?? 0) + by)
  }

  /** Forgets the share of a partition. */
  drop(partition: number): void {
    this.total -= this.parts.get(partition) ?? 0
    this.parts.delete(partition)
  }
}
