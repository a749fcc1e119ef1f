/**
 * Directories for tests that write files.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"

/** A new directory under `.run` that goes with the test. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => {
    fs.mkdirSync(".run", { recursive: true })
    return fs.mkdtempSync(join(".run", "test-"))
  }),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)
