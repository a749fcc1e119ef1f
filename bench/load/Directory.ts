/**
 * Directories for one contender, deleted when it closes.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import type { Opened } from "../Workload.ts"
import { root } from "./Processes.ts"

/** Where everything is that does not outlive a run. */
export const scratch = join(root, ".run")

/** A new directory. */
export const newDirectory = async (): Promise<string> => {
  await mkdir(scratch, { recursive: true })
  return await mkdtemp(join(scratch, "bench-"))
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
