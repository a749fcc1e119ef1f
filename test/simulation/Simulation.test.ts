/**
 * The whole bus in seeded simulations, over the durable log on a disk that fails and over the log
 * in memory. `SEED=n` runs one seed; `CODEFACTORY_LONG=1` runs more of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Command, commandsOf } from "./Commands.ts"
import type { LogKind } from "./Run.ts"
import kept from "./seeds.json" with { type: "json" }
import { shrink } from "./Shrinking.ts"
import { type Outcome, simulate } from "./Simulation.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const only = process.env["SEED"]
const seeds = only === undefined
  ? Array.from({ length: isLong ? 5_000 : 500 }, (_, seed) => seed)
  : [Number(only)]

const mixes = {
  BlockLog: { count: 60, crashes: true },
  MemoryLog: { count: 60, crashes: false }
} as const

/** What must happen in some run, or the simulation tests less than it says. */
const happenings = [
  "ack done",
  "ack unknown",
  "command detach",
  "consumer lags",
  "crash Killed",
  "crash PowerCut",
  "command restart",
  "dead letter: AttemptsExhausted",
  "dead letter: Permanent",
  "dead letter: ProcessLost",
  "deleteLetters",
  "disk fails",
  "disk is full",
  "dryRun",
  "extend done",
  "handler attached",
  "handler detached",
  "handler dies",
  "handler fails",
  "handler hangs",
  "handler interrupts",
  "handler is slow",
  "handler isPermanent",
  "handler throws",
  "lease ran out",
  "manage refused: LogUnavailable",
  "nack done",
  "nack unknown",
  "operate refused: LogUnavailable",
  "publish accepted",
  "publish refused: IdempotencyConflict",
  "publish refused: LogUnavailable",
  "publish refused: ShardFull",
  "publish repeated",
  "pull",
  "replay",
  "subscription deleted",
  "subscription is New",
  "suspects run alone"
]

const describeCommand = ({ action, ms, tasks }: Command): string =>
  `${
    JSON.stringify(action, (name, value) => name === "drafts" ? value.map(describeDraft) : value)
  } then ${tasks} tasks and ${ms} ms`

const describeDraft = (
  draft: { topic: string; payload: string; priority: number; key?: string; idempotencyKey?: string }
): string =>
  `${draft.topic} ${draft.payload} priority ${draft.priority} key ${draft.key} ` +
  `idempotency ${draft.idempotencyKey}`

/** Runs a seed; when it fails, looks for the shortest list of commands that fails as well. */
const runSeed = async (seed: number, kind: LogKind): Promise<Outcome> => {
  const commands = commandsOf(seed, mixes[kind])
  const outcome = await simulate(seed, kind, commands)
  const [breach] = outcome.violations
  if (breach === undefined) return outcome
  const invariant = breach.slice(0, breach.indexOf(":"))
  const shortest = await shrink(commands, async (fewer) => {
    const { violations } = await simulate(seed, kind, fewer)
    return violations[0]?.startsWith(invariant) === true
  })
  const { violations } = await simulate(seed, kind, shortest)
  throw new Error(
    [`seed ${seed} over ${kind}:`, ...violations, ...shortest.map(describeCommand)].join("\n  ")
  )
}

const runAll = async (kind: LogKind): Promise<ReadonlyMap<string, number>> => {
  const coverage = new Map<string, number>()
  for (const seed of seeds) {
    const outcome = await runSeed(seed, kind)
    for (const [what, count] of outcome.coverage) {
      coverage.set(what, (coverage.get(what) ?? 0) + count)
    }
    await new Promise((resolve) => setImmediate(resolve)) // Lets the test runner report.
  }
  return coverage
}

describe("a simulated bus", () => {
  it(
    `invariants 1, 2, 3, 4, 5, 9, 11 and 12 hold over ${seeds.length} seeds with crashes, power ` +
      "cuts and failing commits, and each of those happens",
    async () => {
      const coverage = await runAll("BlockLog")
      const missing = happenings.filter((what) => (coverage.get(what) ?? 0) === 0)
      if (only === undefined) assert.deepStrictEqual(missing, [])
    }
  )

  it(`invariants 1 to 5, 11 and 12 hold over ${seeds.length} seeds in memory`, async () => {
    const coverage = await runAll("MemoryLog")
    if (only === undefined) assert.isAbove(coverage.get("replay") ?? 0, 0)
  })

  it("invariant 14: the same seed runs the same way twice", async () => {
    for (const seed of [1, 2, 3, 5, 8]) {
      const commands = commandsOf(seed, mixes.BlockLog)
      const first = await simulate(seed, "BlockLog", commands)
      const second = await simulate(seed, "BlockLog", commands)
      assert.strictEqual(first.trace, second.trace)
      assert.notStrictEqual(first.trace, (await simulate(seed + 100, "BlockLog", commands)).trace)
    }
  })

  it.each(kept)("seed $seed over $log, which failed once, holds: $why", async ({ log, seed }) => {
    await runSeed(seed, log === "BlockLog" ? "BlockLog" : "MemoryLog")
  })
})

describe("the shrinking of a failure", () => {
  it("finds the two commands out of forty that fail together", async () => {
    const commands = Array.from({ length: 40 }, (_, ms): Command => ({
      action: { kind: "heal" },
      tasks: 0,
      ms
    }))
    const shortest = await shrink(
      commands,
      async (fewer) => [7, 31].every((ms) => fewer.some((command) => command.ms === ms))
    )
    assert.deepStrictEqual(shortest.map(({ ms }) => ms), [7, 31])
  })
})
