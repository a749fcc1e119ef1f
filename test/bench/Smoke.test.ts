import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { workloads } from "../../bench/Catalogue.ts"

const root = join(import.meta.dirname, "..", "..")

describe("the benchmark", () => {
  it("loses no operation of any workload, neither of the bus nor of its peers", async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(root, "bench", "main.ts"), "--smoke"],
      { cwd: root }
    )
    const ended = stdout.split("\n").filter((line) => /^(ok|skipped): /.test(line))
    assert.deepStrictEqual(
      ended.map((line) => line.split(": ")[1]).toSorted(),
      workloads.map(({ name }) => name).toSorted()
    )
    const skipped = ended.filter((line) => line.startsWith("skipped"))
    const missing = await Promise.all(
      workloads.map(async ({ missing, name }) => await missing?.() === undefined ? [] : [name])
    )
    assert.deepStrictEqual(skipped.map((line) => line.split(": ")[1]), missing.flat())
  })
})
