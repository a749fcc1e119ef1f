/**
 * Aims beside what was measured.
 */
import type { Summary } from "../Measure.ts"
import type { Aim, Kept, Workload } from "../Workload.ts"
import { figure, headOf } from "./Figures.ts"

/** What became of an aim. */
export interface Judged {
  readonly aim: Aim
  /** The contender and its aim in words. */
  readonly wanted: string
  /** What the end of an operation means, of the contender. */
  readonly kept: Kept | undefined
  /** What was measured, in the terms of the aim: a value, or a multiple of a peer's. */
  readonly measured: number
  readonly reached: boolean
}

/** Judges the aims of a workload by its medians. */
export const judge = (
  workload: Workload,
  summaries: ReadonlyArray<Summary>
): ReadonlyArray<Judged> =>
  workload.aims.map((aim) => {
    const { bound, contender, measure, of, value } = aim
    const named = (name: string) => summaries.find((one) => one.name === name)
    const valueOf = (name: string) => named(name)?.values[measure] ?? Number.NaN
    // The best of the peers is the fastest, or the one that takes least.
    const best = bound === "at least" ? Math.max : Math.min
    const measured = valueOf(contender) / (of === undefined ? 1 : best(...of.map(valueOf)))
    return {
      aim,
      wanted: `${contender}: ${headOf(measure, workload)} ${bound} ${figure(value)}${
        of === undefined ? "" : ` times ${of.length > 1 ? "the best of " : ""}${of.join(", ")}`
      }`,
      kept: named(contender)?.kept,
      measured,
      reached: bound === "at least" ? measured >= value : measured <= value
    }
  })

/** A verdict as Markdown. */
export const verdict = ({ reached }: Judged): string => reached ? "reached" : "**missed**"
