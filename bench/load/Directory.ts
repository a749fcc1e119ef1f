/**
 * Directories for one contender, deleted when it closes.
 */
import { rmSync } from "node:fs"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import type { Opened } from "../Workload.ts"
import { root } from "./Processes.ts"

/** Where everything is that does not outlive a run. */
export const scratch = join(root, ".run")

const made = new Set<string>()
process.on("exit", () => made.forEach((path) => rmSync(path, { recursive: true, force: true })))

/** A new directory; it goes with this process at the latest. */
export const newDirectory = async (): Promise<string> => {
  await mkdir(scratch, { recursive: true })
  const directory = await mkdtemp(join(scratch, "bench-"))
  made.add(directory)
  return directory
}

/** A directory of its own for one contender, deleted when that closes. */
export const withDirectory = async (
  open: (directory: string) => Promise<Opened>
): Promise<Opened> => {
  const directory = await newDirectory()
  const { close, run } = await open(directory)
  return {
    run,
    close: async () => {
      await close()
      await rm(directory, { recursive: true, force: true })
    }
  }
}
