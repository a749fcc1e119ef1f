/**
 * Measuring: runs contenders in turn, several rounds of each, and keeps the medians.
 *
 * In turn, because a machine that slows down for a while must not slow down only one of them.
 */
import { inOwnProcess } from "./OwnProcess.ts"
import type { Contender, Kept, Opened, Run, Values, Workload } from "./Workload.ts"

/** Medians over the rounds of one contender. */
export interface Summary {
  readonly name: string
  readonly kept: Kept
  readonly x?: number
  readonly series?: string
  readonly values: Values
}

/** One run, as it is written down while the benchmark goes on. */
export interface Round {
  readonly workload: string
  readonly contender: string
  readonly round: number
  readonly values: Values
}

/** How to measure. */
export interface Measuring {
  /** Rounds that count. */
  readonly rounds: number
  readonly note: (round: Round) => void
}

/**
 * Runs every contender once in each round; a run that lost operations ends the benchmark.
 *
 * One round more comes first and does not count, so that the compiler is done with its work.
 */
export const measure = async (
  workload: Workload,
  { note, rounds }: Measuring
): Promise<ReadonlyArray<Summary>> => {
  const opened: Array<readonly [Contender, Opened]> = []
  const values = new Map<Contender, Array<Values>>(workload.contenders.map((one) => [one, []]))
  try {
    for (const contender of workload.contenders) {
      const open = workload.isolated ? inOwnProcess(workload, contender) : contender.open(false)
      opened.push([contender, await open])
    }
    for (let round = 0; round <= rounds; round++) {
      // Back and forth, so that none always runs after the same neighbour.
      for (const [contender, { run }] of round % 2 === 0 ? opened : opened.toReversed()) {
        const result = checked(workload, contender, await run())
        note({ workload: workload.name, contender: contender.name, round, values: result.values })
        if (round > 0) values.get(contender)?.push(result.values)
      }
    }
  } finally {
    await Promise.all(opened.map(([, { close }]) => close()))
  }
  return [...values].map(([{ kept, name, series, x }, all]) => ({
    name,
    kept,
    ...(x === undefined ? {} : { x }),
    ...(series === undefined ? {} : { series }),
    values: medians(all)
  }))
}

/**
 * Runs contenders once, tiny and in this process: whether operations are lost. All of them; where
 * something grows, the least and the greatest of each series.
 */
export const smoke = async (workload: Workload): Promise<void> => {
  for (const contender of ends(workload)) {
    const { close, run } = await contender.open(true)
    try {
      checked(workload, contender, await run())
    } finally {
      await close()
    }
  }
}

const ends = ({ axis, contenders }: Workload): ReadonlyArray<Contender> =>
  axis === undefined
    ? contenders
    : [...Map.groupBy(contenders, ({ series }) => series).values()].flatMap((of) =>
      of.filter((_, index) => index === 0 || index === of.length - 1)
    )

/** The middle of some numbers. */
export const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >>> 1
  return sorted.length % 2 === 1
    ? sorted[middle] ?? Number.NaN
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

const checked = (workload: Workload, contender: Contender, run: Run): Run => {
  if (run.count === run.expected && run.expected > 0) return run
  throw new Error(`${workload.name}, ${contender.name}: ${run.count} of ${run.expected}`)
}

const medians = (all: ReadonlyArray<Values>): Values => {
  const [first = {}] = all
  const measures = Object.keys(first) as ReadonlyArray<keyof Values>
  return Object.fromEntries(
    measures.map((measure) => [measure, median(all.map((one) => one[measure] ?? Number.NaN))])
  )
}
