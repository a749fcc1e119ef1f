/**
 * A histogram that is cheap to update: an array of counts, rendered only when somebody looks.
 */
import type { Histogram } from "../../domain/Snapshot.ts"

/** Upper bounds in seconds: from 1 ms, the resolution of the clock, to the longest time limit. */
export const boundsSeconds = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  300,
  3_600
] as const

const boundsMs = boundsSeconds.map((seconds) => seconds * 1_000)

/** Counts by bucket. Mutable on purpose: three of them are updated for every message. */
export class Buckets {
  private readonly counts = new Float64Array(boundsMs.length + 1)
  private sumMs = 0

  /** Counts one duration in milliseconds; less than nothing counts as nothing. */
  add(ms: number): void {
    let at = 0 // Linear: nearly all durations are in the first buckets.
    while (at < boundsMs.length && ms > (boundsMs[at] ?? 0)) at++
    this.counts[at] = (this.counts[at] ?? 0) + 1
    if (ms > 0) this.sumMs += ms
  }

  /** How many durations were counted. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }

  /** The counts as the snapshot shows them. */
  snapshot(): Histogram {
    return { bounds: boundsSeconds, counts: Array.from(this.counts), sum: this.sumMs / 1_000 }
  }
}
