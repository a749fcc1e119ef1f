import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"

const root = join(import.meta.dirname, "..", "..")

/** Rejects unless the demo ends with 0, which it does only when its accounts balance. */
const demo = async (): Promise<string> => {
  const script = join(root, "examples", "demo", "main.ts")
  const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: root })
  return stdout
}

describe("the demo", () => {
  it("accounts for each of GitHub's 329 example webhooks, the same way each time", async () => {
    const [first, second] = [await demo(), await demo()]
    assert.strictEqual(first, second)
    assert.match(first, /^Agents: receipts\.ts, schemas\.ts, signatures\.ts\.\n/)
    assert.include(first, "Published 329 webhooks and 7 forgeries, durability \"local\".\n")
    assert.match(first, /signatures +336 +0 +329 +7 +0 +0 +7\n/)
    assert.include(first, "277 payloads are valid by today's schemas, 52 are older.\n")
    assert.include(first, "  1 x Basic Plan: 10.00\n  tax 19 %: 1.90\n  total: 11.90\n")
    assert.match(first, /bill-owners +329 +0 +280 +49 +0 +147 +49\n/)
    assert.match(first, /bill-owners +329 +49 +329 +49 +0 +147 +0\n/)
    assert.match(first, /Every message is accounted for\.\n/)
  })
})
