/**
 * The report as Markdown: the aims first, then each workload with its table and plot.
 */
import type { Summary } from "../Measure.ts"
import type { Measure, Workload } from "../Workload.ts"
import { judge, verdict } from "./Aims.ts"
import { figure, headOf } from "./Figures.ts"
import type { Results } from "./Results.ts"

const measures: ReadonlyArray<Measure> = [
  "perSecond",
  "cpuMicros",
  "p50",
  "p99",
  "startMs",
  "residentMb"
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
        : [...section(workload, summaries), "", `![${workload.title}](plots/${workload.name}.svg)`]
    ),
    ...profiled,
    ""
  ].join("\n")
}

/** One workload as lines of Markdown. */
export const section = (
  workload: Workload,
  summaries: ReadonlyArray<Summary>
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
      `Aim, ${one.wanted}: ${figure(one.measured)}, ${verdict(one)}.`
    ])
  ]
}
