import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { workloads } from "../../bench/Catalogue.ts"

const root = join(import.meta.dirname, "..", "..")

/** Long beyond the 20 s on a quiet machine: on a busy one it only ends what hangs. */
const timeout = 400_000

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
    for (const line of skipped) {
      const [, name, reason] = line.split(": ")
      assert.isDefined(workloads.find((one) => one.name === name)?.missing, line)
      assert.isNotEmpty(reason)
    }
  }, timeout)
})
