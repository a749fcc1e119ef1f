/**
 * Profiles that are kept: a flame graph of each and a line with the dearest steps.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { scratch } from "../load/Directory.ts"
import { profileVariable, root } from "../load/Processes.ts"
import { measure } from "../Measure.ts"
import type { Contender, Workload } from "../Workload.ts"
import { type Cost, dearest, dearestGroups, readProfile } from "./CpuProfile.ts"
import { flameGraph } from "./FlameGraph.ts"

/** What is kept of a profile. */
export interface Kept {
  readonly workload: string
  readonly contender: string
  readonly picture: string
  /** The three dearest functions by their own time. */
  readonly functions: ReadonlyArray<Cost>
  /** The parts of the program by their own time. */
  readonly groups: ReadonlyArray<Cost>
}

/** Rounds of a profile: enough samples, a millisecond apart, for shares of a percent. */
const rounds = 5

/** Functions and parts that are named. */
const functionsKept = 3
const groupsKept = 6

const directory = join(root, "bench", "profiles")
const linesFile = join(directory, "profiles.jsonl")

/** Profiles the contenders of the bus in a workload, and keeps what they show. */
export const profile = async (workload: Workload): Promise<ReadonlyArray<Kept>> => {
  await mkdir(directory, { recursive: true })
  const made: Array<Kept> = []
  for (
    const contender of workload.contenders.filter(({ name }) => name.startsWith("codefactory"))
  ) {
    made.push(await profileOne(workload, contender))
  }
  const before = (await keptProfiles()).filter((one) =>
    !made.some(({ picture }) => picture === one.picture)
  )
  const all = [...before, ...made].toSorted((a, b) => a.picture < b.picture ? -1 : 1)
  await writeFile(linesFile, all.map((one) => `${JSON.stringify(one)}\n`).join(""))
  return made
}

/** What is kept so far. */
export const keptProfiles = async (): Promise<ReadonlyArray<Kept>> => {
  const text = await readFile(linesFile, "utf8").catch(() => "")
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
}

const profileOne = async (workload: Workload, contender: Contender): Promise<Kept> => {
  const into = join(scratch, "bench", "profile")
  await rm(into, { recursive: true, force: true })
  process.env[profileVariable] = into // What is started from now on writes its profile there.
  await measure({ ...workload, contenders: [contender] }, { rounds, note: () => {} })
  delete process.env[profileVariable]
  // CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile: the main thread is 0.
  const main = (await readdir(into)).find((file) => /\.0\.\d+\.cpuprofile$/.test(file))
  if (main === undefined) throw new Error(`${contender.name} wrote no profile`)
  const all = readProfile(await readFile(join(into, main), "utf8"))
  const title = `${workload.title}: ${contender.name}`
  const picture = `${workload.name}-${contender.name.replaceAll(/[^a-z]+/g, "-")}.svg`
  await writeFile(join(directory, picture), flameGraph(title, all))
  return {
    workload: workload.name,
    contender: contender.name,
    picture,
    functions: dearest(all).slice(0, functionsKept),
    groups: dearestGroups(all).slice(0, groupsKept)
  }
}

/** The profiles as lines of Markdown. */
export const profilesSection = (all: ReadonlyArray<Kept>): ReadonlyArray<string> =>
  all.length === 0 ? [] : [
    "",
    "## Where the time goes",
    "",
    "CPU profiles of the main thread, by own time, without idling and without loading modules; " +
    "`npm run bench -- --profile NAME` makes them anew.",
    "",
    "| profile | dearest functions | parts |",
    "| --- | --- | --- |",
    ...all.map(({ contender, functions, groups, picture, workload }) =>
      `| [${workload}, ${contender}](profiles/${picture}) | ${inWords(functions)} | ${
        inWords(groups)
      } |`
    )
  ]

/** Costs in words. */
export const inWords = (costs: ReadonlyArray<Cost>): string =>
  costs.map(({ name, share }) => `${name} ${(share * 100).toFixed(1)} %`).join("; ")
