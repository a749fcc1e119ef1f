/**
 * Latencies: a histogram of milliseconds with three significant figures, at constant cost.
 */
import { createHistogram } from "node:perf_hooks"
import type { Values } from "./Workload.ts"

const nanosPerMilli = 1_000_000

/** Longest latency that is told apart, in milliseconds. */
const longest = 3_600_000

/** The latencies of one run. */
export class Latencies {
  private readonly histogram = createHistogram({
    lowest: 1,
    highest: longest * nanosPerMilli,
    figures: 3
  })

  /** Counts one of so many milliseconds. */
  record(millis: number): void {
    const nanos = Math.round(Math.min(millis, longest) * nanosPerMilli)
    this.histogram.record(nanos < 1 ? 1 : nanos)
  }

  /** How many were counted. */
  get count(): number {
    return this.histogram.count
  }

  /** The values below which a half and 99 % lie, in milliseconds. */
  values(): Values {
    return {
      p50: this.histogram.percentile(50) / nanosPerMilli,
      p99: this.histogram.percentile(99) / nanosPerMilli
    }
  }
}
