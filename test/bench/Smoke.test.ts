import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"

const root = join(import.meta.dirname, "..", "..")

describe("the benchmark", () => {
  it("loses no operation of any workload, neither of the bus nor of its peers", async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(root, "bench", "main.ts"), "--smoke"],
      { cwd: root }
    )
    assert.match(stdout, /^(ok: .*\n){8}$/)
    assert.match(stdout, /ok: every operation of every workload ended well\n$/)
  })
})
