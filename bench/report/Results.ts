/**
 * Results as JSON lines: the machine first, then a line for each contender of each workload.
 */
import { cpus, release, totalmem, type } from "node:os"
import type { Summary } from "../Measure.ts"

/** Where and when it was measured. */
export interface Machine {
  readonly machine: string
  readonly date: string
  readonly rounds: number
}

/** The medians of one contender, or why there are none. */
export type Line =
  | Summary & { readonly workload: string }
  | { readonly workload: string; readonly skipped: string }

/** All of one run of the benchmark. */
export interface Results {
  readonly of: Machine
  readonly lines: ReadonlyArray<Line>
}

/** This machine, now. */
export const thisMachine = (rounds: number): Machine => {
  const [first] = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const system = `${type()} ${release().split("-")[0]}, Node ${process.versions.node}`
  return {
    machine: `${cpus().length} x ${
      first?.model.trim() ?? "unknown processor"
    }, ${memory}, ${system}`,
    date: new Date().toISOString().slice(0, 10),
    rounds
  }
}

/** As text. */
export const encode = ({ lines, of }: Results): string =>
  [of, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("")

/** From text. */
export const decode = (text: string): Results => {
  const [of, ...lines] = text.trim().split("\n").map((line) => JSON.parse(line))
  return { of, lines }
}
