/**
 * The whole bus in seeded simulations, over the durable log on a disk that fails and over the log
 * in memory. `Seeds.ts` says how to choose seeds.
 */
import { assert, describe, it } from "@effect/vitest"
import cases from "./cases.json" with { type: "json" }
import type { Command } from "./Commands.ts"
import { commandsOf } from "./Drawing.ts"
import { happenings } from "./Happenings.ts"
import type { LogKind } from "./Run.ts"
import { mixes, runSeed } from "./RunSeed.ts"
import kept from "./seeds.json" with { type: "json" }
import { isChosen, seedsOf } from "./Seeds.ts"
import { shrink } from "./Shrinking.ts"
import { simulate } from "./Simulation.ts"

const seeds = seedsOf(process.env)
/** Only ends what hangs: the machine may be busy. */
const limit = { timeout: Math.max(240_000, seeds.length * 1_000) }
const chosen = isChosen(process.env)

const runAll = async (kind: LogKind): Promise<ReadonlyMap<string, number>> => {
  const coverage = new Map<string, number>()
  for (const seed of seeds) {
    const outcome = await runSeed(seed, kind, mixes[kind])
    for (const [what, count] of outcome.coverage) {
      coverage.set(what, (coverage.get(what) ?? 0) + count)
    }
    await new Promise((resolve) => setImmediate(resolve)) // Lets the test runner report.
  }
  return coverage
}

describe("a simulated bus", () => {
  it(
    `invariants 1 to 5, 7 to 9, 11 and 12 hold over ${seeds.length} seeds with crashes, power ` +
      "cuts and failing commits, and each of those happens",
    limit,
    async () => {
      const coverage = await runAll("BlockLog")
      const missing = happenings.filter((what) => (coverage.get(what) ?? 0) === 0)
      if (!chosen) assert.deepStrictEqual(missing, [])
    }
  )

  it(
    `invariants 1 to 5, 7, 8, 11 and 12 hold over ${seeds.length} seeds in memory`,
    limit,
    async () => {
      const coverage = await runAll("MemoryLog")
      if (!chosen) assert.isAbove(coverage.get("replay") ?? 0, 0)
    }
  )

  it("invariant 14: the same seed runs the same way twice", async () => {
    for (const seed of [1, 2, 3, 5, 8]) {
      const commands = commandsOf(seed, mixes.BlockLog)
      const first = await simulate(seed, "BlockLog", mixes.BlockLog, commands)
      const second = await simulate(seed, "BlockLog", mixes.BlockLog, commands)
      assert.strictEqual(first.trace, second.trace)
      assert.notStrictEqual(
        first.trace,
        (await simulate(seed + 100, "BlockLog", mixes.BlockLog, commands)).trace
      )
    }
  })

  it.each(kept)(
    "seed $seed over $log, which failed once, holds: $why",
    async ({ log, mix, seed }) => {
      const kind = log === "BlockLog" ? "BlockLog" : "MemoryLog"
      await runSeed(seed, kind, { ...mixes[kind], more: mix === "more" })
    }
  )

  it.each(cases)("the commands that failed once with $seed over $log hold: $why", async (kept) => {
    const { commands, log, seed } = kept
    const kind = log === "BlockLog" ? "BlockLog" : "MemoryLog"
    // As it was written: what a command may be is checked where it is drawn.
    const { violations } = await simulate(
      seed,
      kind,
      mixes[kind],
      commands as ReadonlyArray<Command>
    )
    assert.deepStrictEqual(violations, [])
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
