/**
 * Series and samples: what a metric is made of, and how it is read from a snapshot.
 */
import type { Histogram, ShardSnapshot, Snapshot } from "../../domain/Snapshot.ts"

/** One value of a series. `suffix` is what a histogram appends to the name. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly suffix?: "_bucket" | "_sum" | "_count"
}

/** A series and how it is read. */
export interface Series {
  readonly name: string
  readonly help: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly read: (snapshot: Snapshot) => ReadonlyArray<Sample>
}

/** A series that was read. */
export interface Sampled extends Omit<Series, "read"> {
  readonly samples: ReadonlyArray<Sample>
}

/** One value for each live shard. */
export const byShard = (read: (shard: ShardSnapshot) => number) => (snapshot: Snapshot) =>
  snapshot.shards.map((shard) => ({ labels: { shard: shard.id }, value: read(shard) }))

/** The one sample of a series without labels. */
export const one = (value: number): ReadonlyArray<Sample> => [{ labels: {}, value }]

/** A histogram as samples. Buckets are cumulative in the exposition, and not in the snapshot. */
export const histogram = (
  { bounds, counts, sum }: Histogram,
  labels: Sample["labels"] = {}
): ReadonlyArray<Sample> => {
  const samples: Array<Sample> = []
  const total = counts.reduce((below, count, index) => {
    const le = bounds[index] ?? "+Inf"
    samples.push({ labels: { ...labels, le }, value: below + count, suffix: "_bucket" })
    return below + count
  }, 0)
  return [
    ...samples,
    { labels, value: sum, suffix: "_sum" },
    { labels, value: total, suffix: "_count" }
  ]
}
