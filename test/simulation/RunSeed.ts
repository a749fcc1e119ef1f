/**
 * One seed of the simulation, from its commands to the report of what it found.
 */
import type { Command, Mix } from "./Commands.ts"
import { commandsOf } from "./Drawing.ts"
import type { LogKind } from "./Run.ts"
import { shrink } from "./Shrinking.ts"
import { type Outcome, simulate } from "./Simulation.ts"

/** Which commands are drawn over which log. */
export const mixes: Readonly<Record<LogKind, Mix>> = {
  BlockLog: { count: 60, crashes: true, more: true },
  MemoryLog: { count: 60, crashes: false, more: true }
}

/** Runs a seed; when it fails, looks for the shortest list of commands that fails as well. */
export const runSeed = async (seed: number, kind: LogKind, mix: Mix): Promise<Outcome> => {
  const commands = commandsOf(seed, mix)
  const outcome = await simulate(seed, kind, mix, commands)
  const [breach] = outcome.violations
  if (breach === undefined) return outcome
  const invariant = breach.slice(0, breach.indexOf(":"))
  const shortest = process.env["SHRINK"] === "0" ? [] : await shrink(commands, async (fewer) => {
    const { violations } = await simulate(seed, kind, mix, fewer)
    return violations[0]?.startsWith(invariant) === true
  })
  const { violations } = shortest.length === 0 ? outcome : await simulate(seed, kind, mix, shortest)
  throw new Error(
    [`seed ${seed} over ${kind}:`, ...violations, ...shortest.map(describeCommand)].join("\n  ")
  )
}

const describeCommand = ({ action, ms, tasks }: Command): string =>
  `${
    JSON.stringify(action, (name, value) => name === "drafts" ? value.map(describeDraft) : value)
  } then ${tasks} tasks and ${ms} ms`

const plain = { headers: undefined, contentType: undefined, traceparent: undefined, priority: 0 }

/** What sets a draft apart. */
const describeDraft = (draft: Readonly<Record<string, unknown>>): string =>
  Object.entries({ ...draft, payloadBytes: undefined })
    .filter(([name, value]) => value !== undefined && Reflect.get(plain, name) !== value)
    .map(([name, value]) => `${name} ${String(value)}`).join(" ")
