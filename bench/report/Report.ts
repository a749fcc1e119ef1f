/**
 * The report as Markdown: the aims first, then each workload with its table and plot.
 */
import type { Summary } from "../Measure.ts"
import type { Measure, Reading, Workload } from "../Workload.ts"
import { judge, type Judged, verdict } from "./Aims.ts"
import { figure, headOf } from "./Figures.ts"
import type { Line, Results } from "./Results.ts"

const measures: ReadonlyArray<Measure> = [
  "perSecond",
  "cpuMicros",
  "p50",
  "p99",
  "startMs",
  "residentMb",
  "fairness"
]

/** The whole report; `profiled` are lines about where the time goes. */
export const report = (
  workloads: ReadonlyArray<Workload>,
  { lines, of: { date, machine, rounds } }: Results,
  profiled: ReadonlyArray<string>
): string => {
  const measured = workloads.map((workload) => {
    const own = lines.filter(({ workload: name }) => name === workload.name)
    const summaries = own.flatMap((line) => "skipped" in line ? [] : [line])
    const skipped = own.flatMap((line) => "skipped" in line ? [line.skipped] : [])[0]
    return { workload, summaries, skipped }
  })
  return [
    "# Results",
    "",
    "Written by `npm run bench`, never by hand; the medians are in " +
    `[results.jsonl](results.jsonl). Contenders run in turn; each number is the median of ` +
    `${rounds} rounds after one that does not count. Trust the ratios more than the numbers. ` +
    "CPU is user and system time of all threads of the process under test, for each operation. " +
    "*Kept* is what the end of an operation means.",
    "",
    `Machine: ${machine}. Date: ${date}.`,
    "",
    "## Aims",
    "",
    "| workload | aim | kept | measured | |",
    "| --- | --- | --- | ---: | --- |",
    ...measured.flatMap(({ skipped, summaries, workload }) =>
      summaries.length === 0
        ? [`| ${workload.name} | ${workload.title} | | | skipped: ${skipped ?? "not measured"} |`]
        : judge(workload, summaries).map((one) =>
          `| ${workload.name} | ${one.wanted} | ${one.kept} | ${figure(one.measured)} | ${
            verdict(one)
          } |`
        )
    ),
    ...measured.flatMap(({ skipped, summaries, workload }) =>
      summaries.length === 0
        ? ["", `## ${workload.title}`, "", `Skipped: ${skipped ?? "not measured"}.`]
        : [
          ...section(workload, summaries, reading(lines, workload)),
          "",
          `![${workload.title}](plots/${workload.name}.svg)`
        ]
    ),
    ...profiled,
    ""
  ].join("\n")
}

/** One workload as lines of Markdown. */
export const section = (
  workload: Workload,
  summaries: ReadonlyArray<Summary>,
  of: Reading
): ReadonlyArray<string> => {
  const shown = measures.filter((one) => summaries.some(({ values }) => values[one] !== undefined))
  const [first] = shown
  const base = first === undefined ? undefined : summaries[0]?.values[first]
  const ratio = ({ values }: Summary) =>
    first === undefined || base === undefined ? "" : figure((values[first] ?? Number.NaN) / base)
  return [
    "",
    `## ${workload.title}`,
    "",
    `\`npm run bench -- ${workload.name}\`. ${workload.note}`,
    "",
    `| | kept | ${shown.map((one) => headOf(one, workload)).join(" | ")} | ratio |`,
    `| --- | --- | ${shown.map(() => "---:").join(" | ")} | ---: |`,
    ...summaries.map((summary) =>
      `| ${summary.name} | ${summary.kept} | ${
        shown.map((one) => figure(summary.values[one])).join(" | ")
      } | ${ratio(summary)} |`
    ),
    ...judge(workload, summaries).flatMap((one) => [
      "",
      `Aim, ${one.wanted}: ${figure(one.measured)}, ${verdict(one)}.${obstacle(one, of)}`
    ])
  ]
}

/** The medians of a run in words, of `workload` unless another one is named. */
export const reading =
  (lines: ReadonlyArray<Line>, workload: Workload): Reading =>
  (contender, measure, of = workload.name) => {
    const line = lines.find((one) => one.workload === of && "name" in one && one.name === contender)
    const value = line === undefined || "skipped" in line ? undefined : line.values[measure]
    return value === undefined ? "(not measured)" : figure(value)
  }

const obstacle = ({ aim, reached }: Judged, of: Reading): string =>
  reached || aim.inTheWay === undefined ? "" : ` In the way: ${aim.inTheWay(of)}`
