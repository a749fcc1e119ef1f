/**
 * The report: what was measured, on which machine, and against which aims.
 */
import { cpus, release, totalmem, type } from "node:os"
import type { Summary, Workload } from "./Measure.ts"
import type { StoreResult } from "./store.ts"
import type { Startup } from "./workloads/Startup.ts"

/** A workload with its results. */
export interface Measured {
  readonly workload: Workload
  readonly summaries: ReadonlyArray<Summary>
}

/**
 * The whole report as Markdown; `others` are its last sections, `rounds` is how often each
 * contender ran.
 */
export const report = (
  measured: ReadonlyArray<Measured>,
  others: ReadonlyArray<string>,
  rounds: number
): string =>
  [
    "# Results",
    "",
    "Written by `npm run bench`. Contenders run in turn; each number is the median of " +
    `${rounds} rounds. Trust the ratios more than the numbers.`,
    "",
    `Machine: ${machine()}.`,
    ...measured.flatMap(section),
    ...others,
    ""
  ].join("\n")

/** Ways to keep messages beneath the log, as lines of Markdown: why a commit is one row. */
export const storesSection = (results: ReadonlyArray<StoreResult>): ReadonlyArray<string> => {
  const stores = Map.groupBy(results, ({ store }) => store)
  return [
    "",
    "## Ways to make a commit durable",
    "",
    "One writer without a bus, 300-byte messages, everything synced; messages/s by messages per " +
    "commit.",
    "",
    `| | ${[...new Set(results.map(({ batch }) => batch.toLocaleString("en")))].join(" | ")} |`,
    "| --- | ---: | ---: | ---: |",
    ...[...stores].map(([store, of]) =>
      `| ${store} | ${of.map((one) => round(one.messagesPerSecond)).join(" | ")} |`
    )
  ]
}

/** How the service starts, as lines of Markdown. */
export const startingSection = ({ firstAcceptMs, rssMib }: Startup): ReadonlyArray<string> => [
  "",
  "## Starting",
  "",
  "| | measured | aim | |",
  "| --- | ---: | ---: | --- |",
  `| exec to first accepted publish | ${round(firstAcceptMs)} ms | 1,000 ms | ${
    verdict(firstAcceptMs <= 1_000)
  } |`,
  rssMib === undefined
    ? "| resident memory, idle | not measured here | 120 MiB | |"
    : `| resident memory, idle | ${round(rssMib)} MiB | 120 MiB | ${verdict(rssMib <= 120)} |`
]

/** One workload as lines of Markdown. */
export const section = ({ summaries, workload }: Measured): ReadonlyArray<string> => {
  const { aim } = workload
  const peer = summaries.find(({ name }) => "peer" in aim && name === aim.peer) ?? summaries[0]
  return [
    "",
    `## ${workload.title}`,
    "",
    workload.note,
    "",
    `| | ${workload.unit} | ratio | p50 ms | p99 ms |`,
    "| --- | ---: | ---: | ---: | ---: |",
    ...summaries.map(({ name, p50, p99, perSecond }) =>
      `| ${name} | ${round(perSecond)} | ${
        (perSecond / (peer?.perSecond ?? Number.NaN)).toFixed(2)
      } | ${millis(p50)} | ${millis(p99)} |`
    ),
    ...aimOf({ summaries, workload })
  ]
}

const aimOf = ({ summaries, workload: { aim, unit } }: Measured): ReadonlyArray<string> => {
  const rate = (name: string) => summaries.find((one) => one.name === name)?.perSecond ?? Number.NaN
  const reached = "peer" in aim
    ? rate(aim.contender) / rate(aim.peer) >= aim.ratio
    : rate(aim.contender) >= aim.perSecond
  const wanted = "peer" in aim
    ? `at least ${aim.ratio} of ${aim.peer}`
    : `at least ${round(aim.perSecond)} ${unit}`
  return ["", `Aim: ${aim.contender} ${wanted}: ${verdict(reached)}.`]
}

const verdict = (reached: boolean): string => reached ? "reached" : "**missed**"

const round = (value: number): string => Math.round(value).toLocaleString("en-US")

const millis = (value: number | undefined): string => value === undefined ? "" : value.toFixed(2)

const machine = (): string => {
  const [first] = cpus()
  return `${cpus().length} x ${first?.model.trim() ?? "unknown processor"}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.versions.node}`
}
