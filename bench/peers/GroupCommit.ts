/**
 * The bare group-commit loop: what appending durably costs when nothing else is done.
 *
 * Everything handed over while one write and its fdatasync run goes with the next.
 */
import { type FileHandle, open } from "node:fs/promises"

/** An append-only file. */
export interface GroupCommit {
  /** Resolves once the text is on the disk. */
  readonly append: (text: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens the file at `path`. */
export const openGroupCommit = async (path: string): Promise<GroupCommit> => {
  const file = await open(path, "a")
  const waiting: Array<{ readonly text: string; readonly done: () => void }> = []
  const state = { running: false }
  const run = async () => {
    state.running = true
    while (waiting.length > 0) await commit(file, waiting.splice(0))
    state.running = false
  }
  return {
    append: (text) =>
      new Promise((done) => {
        waiting.push({ text, done })
        // Waits for the end of the tick, so that all publishers of one tick share a commit.
        if (!state.running) {
          state.running = true
          setImmediate(() => void run())
        }
      }),
    close: () => file.close()
  }
}

const commit = async (
  file: FileHandle,
  batch: ReadonlyArray<{ readonly text: string; readonly done: () => void }>
): Promise<void> => {
  await file.write(Buffer.from(batch.map(({ text }) => text).join("\n") + "\n"))
  await file.datasync()
  batch.forEach(({ done }) => done())
}
