/**
 * Planted bugs: each is put into a copy of the sources, where the tests must find it.
 *
 * When the code moved, so that the text to replace does not stand there once, this is red: plant
 * the bug anew. `PLANTED=name` plants one.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PlantedBug, plantedBugs } from "./PlantedBugs.ts"

const root = join(import.meta.dirname, "..", "..")
const isLong = process.env["CODEFACTORY_LONG"] === "1"
const only = process.env["PLANTED"]
const report = process.env["PLANTED_REPORT"]

/** These two are planted in the short run as well, to see that planting works. */
const inShort = ["offset skipped", "replay that does not remove"]

/** Copies what the tests need, with the bug in it. */
const plant = ({ becomes, file, name, text }: PlantedBug): string => {
  const copy = mkdtempSync(join(tmpdir(), "planted-"))
  for (
    const part of ["src", "test", "tools", "package.json", "tsconfig.json", "vitest.config.ts"]
  ) {
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  const parts = readFileSync(join(root, file), "utf8").split(text)
  assert.strictEqual(
    parts.length,
    2,
    `${name}: its text stands ${parts.length - 1} times in ${file}`
  )
  writeFileSync(join(copy, file), parts.join(becomes))
  return copy
}

/** What the tests say in the copy, and whether they failed. */
const runIn = (copy: string, { caughtBy }: PlantedBug) => {
  const args = caughtBy === "simulation"
    ? ["run", "test/simulation/Simulation.test.ts", "-t", "seed"]
    : ["run", caughtBy.file, "-t", caughtBy.test]
  const env = { ...process.env, SEEDS: "0..299", SHRINK: "0", NO_COLOR: "1" }
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [join(root, "node_modules", "vitest", "vitest.mjs"), ...args],
    { cwd: copy, env, encoding: "utf8", timeout: 240_000 }
  )
  return { status, said: stdout + stderr }
}

/** What shows that a test noticed the bug, and did not fail for another reason. */
const evidence = /seed \d+ over \w+:\s+invariant \d+: .*|AssertionError: .*/

describe("a planted bug", () => {
  it("has its place in the sources, also when it is not planted", () => {
    for (const { file, name, text } of plantedBugs) {
      assert.lengthOf(readFileSync(join(root, file), "utf8").split(text), 2, name)
    }
  })

  it.for(plantedBugs)("$name: is found", { timeout: 300_000 }, (bug, ctx) => {
    const isChosen = only === undefined ? isLong || inShort.includes(bug.name) : only === bug.name
    if (!isChosen) ctx.skip("only two are planted in the short run: npm run test:long")
    const copy = plant(bug)
    try {
      const { said, status } = runIn(copy, bug)
      assert.notStrictEqual(status, 0, `${bug.name} was not found`)
      const found = evidence.exec(said)
      assert.isNotNull(found, said.slice(-3_000))
      const by = bug.caughtBy === "simulation" ? "" : `${bug.caughtBy.file}: `
      if (report !== undefined) appendFileSync(report, `${bug.name}: ${by}${found?.[0]}\n`)
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })
})
