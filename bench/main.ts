/**
 * `npm run bench`: the bus beside peers that do no more than they must.
 *
 * Without a name it runs all workloads and writes the report: results.jsonl, RESULTS.md, plots.
 * With names it runs those and prints what it found. Every round is noted under `.run/bench`, too.
 *
 * --list         names the workloads
 * --rounds n     rounds that count, 5 unless set
 * --smoke        runs everything once and tiny, and checks only that no operation is lost
 * --report       writes the report anew from results.jsonl
 * --profile      writes flame graphs of the bus, of the main workloads or of those that are named
 */
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { workloads } from "./Catalogue.ts"
import { keptProfiles, profile, profilesSection } from "./flame/Profiles.ts"
import { scratch } from "./load/Directory.ts"
import { root } from "./load/Processes.ts"
import { stopShared } from "./load/Sharing.ts"
import { measure, smoke } from "./Measure.ts"
import { plot } from "./report/Plot.ts"
import { reading, report, section } from "./report/Report.ts"
import { decode, encode, type Line, type Results, thisMachine } from "./report/Results.ts"
import type { Workload } from "./Workload.ts"

/** Odd, so that the median is a run that happened. */
const roundsFull = 5

/** Workloads of a smoke run that are under way at once: most of them wait for processes. */
const smokeMax = 4

/** What a flame graph is made of unless a workload is named. */
const profiledUnlessNamed = [
  "memory-texts",
  "memory-values",
  "durable-64",
  "http",
  "http-batch",
  "fan-out",
  "fan-out-sse"
]

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    rounds: { type: "string", default: String(roundsFull) }
  }
})

const unknown = positionals.filter((name) => !workloads.some((one) => one.name === name))
if (unknown.length > 0) throw new Error(`no such workload: ${unknown.join(", ")}; see --list`)
const chosen = positionals.length === 0
  ? workloads
  : workloads.filter(({ name }) => positionals.includes(name))
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds: expected 1 or more")

const resultsFile = join(root, "bench", "results.jsonl")

const writeReport = async (results: Results): Promise<void> => {
  const plots = join(root, "bench", "plots")
  await mkdir(plots, { recursive: true })
  const profiled = profilesSection(await keptProfiles())
  await writeFile(resultsFile, encode(results))
  await writeFile(join(root, "bench", "RESULTS.md"), report(workloads, results, profiled))
  for (const workload of workloads) {
    const own = results.lines.flatMap((line) =>
      "skipped" in line || line.workload !== workload.name ? [] : [line]
    )
    if (own.length > 0) await writeFile(join(plots, `${workload.name}.svg`), plot(workload, own))
  }
}

const measureOne = async (
  workload: Workload,
  notes: string,
  before: ReadonlyArray<Line>
): Promise<ReadonlyArray<Line>> => {
  const skipped = await workload.missing?.()
  if (skipped !== undefined) {
    console.log(`\n## ${workload.title}\n\nSkipped: ${skipped}.`)
    return [{ workload: workload.name, skipped }]
  }
  const rest: Array<Promise<void>> = []
  const note = (round: unknown) => rest.push(appendFile(notes, `${JSON.stringify(round)}\n`))
  const summaries = await measure(workload, { rounds, note })
  await Promise.all(rest)
  const lines = summaries.map((summary) => ({ workload: workload.name, ...summary }))
  console.log(section(workload, summaries, reading([...before, ...lines], workload)).join("\n"))
  return lines
}

const measureAll = async (): Promise<Results> => {
  const directory = join(scratch, "bench")
  await mkdir(directory, { recursive: true })
  const notes = join(directory, `${Date.now()}.jsonl`)
  const lines: Array<Line> = []
  for (const workload of chosen) lines.push(...await measureOne(workload, notes, lines))
  return { of: thisMachine(rounds), lines }
}

const smokeAll = async (): Promise<void> => {
  const waiting = [...chosen]
  const work = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const skipped = await one.missing?.()
      if (skipped === undefined) await smoke(one)
      console.log(skipped === undefined ? `ok: ${one.name}` : `skipped: ${one.name}: ${skipped}`)
    }
  }
  try { // The servers go whatever happens.
    await Promise.all(Array.from({ length: smokeMax }, work))
  } finally {
    await stopShared()
  }
}

if (options.list) {
  for (const { name, title } of workloads) console.log(`${name.padEnd(22)}${title}`)
} else if (options.report) await writeReport(decode(await readFile(resultsFile, "utf8")))
else if (options.smoke) await smokeAll()
else if (options.profile) {
  const wanted = positionals.length === 0 ? profiledUnlessNamed : positionals
  for (const one of workloads.filter(({ name }) => wanted.includes(name))) {
    console.log(profilesSection(await profile(one)).join("\n"))
  }
} else {
  const results = await measureAll()
  if (positionals.length === 0) await writeReport(results)
}
