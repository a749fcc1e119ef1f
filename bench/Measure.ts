/**
 * Measuring: runs contenders in turn, several rounds of each, and keeps the medians.
 *
 * In turn, because a machine that slows down for a while must not slow down only one of them.
 */

/** What one run did. `count` of `expected` operations ended well within `seconds`. */
export interface Run {
  readonly count: number
  readonly expected: number
  readonly seconds: number
  /** Milliseconds of each operation that was timed; empty when none was. */
  readonly latencies: Float64Array
}

/** One way to do the work of a workload. */
export interface Contender {
  readonly name: string
  readonly run: () => Promise<Run>
}

/** A workload that is set up: every contender is ready to run. */
export interface Opened {
  readonly contenders: ReadonlyArray<Contender>
  readonly close: () => Promise<void>
}

/** What a contender should reach: a share of a peer's rate, or a rate of its own. */
export type Aim =
  | { readonly contender: string; readonly peer: string; readonly ratio: number }
  | { readonly contender: string; readonly perSecond: number }

/** One comparison of the bus with a peer that does no more than it must. */
export interface Workload {
  readonly title: string
  /** What is counted per second. */
  readonly unit: string
  /** What exactly is done, in one or two sentences. */
  readonly note: string
  readonly aim: Aim
  readonly open: (smoke: boolean) => Promise<Opened>
}

/** Medians over the rounds of one contender. Times are milliseconds. */
export interface Summary {
  readonly name: string
  readonly perSecond: number
  readonly p50: number | undefined
  readonly p99: number | undefined
}

/**
 * Runs every contender once in each round; a run that lost operations ends the benchmark.
 *
 * One round more comes first and does not count, so that the compiler is done with its work.
 */
export const measure = async (
  workload: Workload,
  rounds: number,
  smoke: boolean
): Promise<ReadonlyArray<Summary>> => {
  const opened = await workload.open(smoke)
  const runs = new Map<string, Array<Run>>(opened.contenders.map(({ name }) => [name, []]))
  try {
    for (let round = smoke ? 1 : 0; round <= rounds; round++) {
      for (const { name, run } of opened.contenders) {
        const result = await run()
        if (result.count !== result.expected) {
          throw new Error(`${workload.title}, ${name}: ${result.count} of ${result.expected}`)
        }
        if (round > 0) runs.get(name)?.push(result)
      }
    }
  } finally {
    await opened.close()
  }
  return [...runs].map(([name, all]) => ({
    name,
    perSecond: median(all.map(({ count, seconds }) => count / seconds)),
    p50: medianOf(all, 0.5),
    p99: medianOf(all, 0.99)
  }))
}

/** The middle of some numbers. */
export const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >>> 1
  return sorted.length % 2 === 1
    ? sorted[middle] ?? Number.NaN
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** The value below which `share` (0 to 1) of the latencies lie. */
export const percentile = (latencies: Float64Array, share: number): number => {
  const sorted = latencies.toSorted()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

const medianOf = (runs: ReadonlyArray<Run>, share: number): number | undefined =>
  runs.every(({ latencies }) => latencies.length > 0)
    ? median(runs.map(({ latencies }) => percentile(latencies, share)))
    : undefined
