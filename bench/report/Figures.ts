/**
 * Figures as people read them.
 */
import type { Measure, Workload } from "../Workload.ts"

/** The head of the column of a measure. */
export const headOf = (measure: Measure, { unit }: Workload): string =>
  ({
    perSecond: `${unit}/s`,
    cpuMicros: "CPU µs",
    p50: "p50 ms",
    p99: "p99 ms",
    startMs: "first accept ms",
    residentMb: "resident MB",
    fairness: "least of most"
  })[measure]

/** A number with three significant figures, thousands grouped. */
export const figure = (value: number | undefined): string => {
  if (value === undefined) return ""
  if (!Number.isFinite(value)) return "-"
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US")
  return String(Number(value.toPrecision(3)))
}

/** A number in little room: 1.2 M, 45 k. */
export const short = (value: number): string => {
  if (value >= 1e6) return `${figure(Number((value / 1e6).toPrecision(3)))} M`
  return value >= 10_000 ? `${figure(Number((value / 1e3).toPrecision(3)))} k` : figure(value)
}
