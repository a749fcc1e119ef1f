/**
 * Bare group commits: what appending durably costs when nothing else is done.
 */
import { type FileHandle, open } from "node:fs/promises"
import { DatabaseSync } from "node:sqlite"

/** An append-only log. */
export interface GroupCommit {
  /** Resolves once the text is on the disk. */
  readonly append: (text: string) => Promise<void>
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly text: string
  readonly done: () => void
}

/** A file: what was handed over while one write and its fdatasync run goes with the next. */
export const openGroupCommit = async (path: string): Promise<GroupCommit> => {
  const file = await open(path, "a")
  const waiting: Array<Waiting> = []
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
  batch: ReadonlyArray<Waiting>
): Promise<void> => {
  await file.write(Buffer.from(batch.map(({ text }) => text).join("\n") + "\n"))
  await file.datasync()
  batch.forEach(({ done }) => done())
}

/**
 * A table of SQLite, in the thread that publishes: what was handed over in one turn of the event
 * loop is one transaction, synced to disk as SQLite does with `synchronous=FULL`.
 */
export const openRawSqlite = async (path: string): Promise<GroupCommit> => {
  const db = new DatabaseSync(path)
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
  db.exec("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
  const insert = db.prepare("INSERT INTO messages (body) VALUES (?)")
  const state: { waiting: Array<Waiting> } = { waiting: [] }
  const commitAll = () => {
    const batch = state.waiting
    state.waiting = []
    db.exec("BEGIN")
    for (const { text } of batch) insert.run(text)
    db.exec("COMMIT")
    batch.forEach(({ done }) => done())
  }
  return {
    append: (text) =>
      new Promise((done) => {
        if (state.waiting.push({ text, done }) === 1) setImmediate(commitAll)
      }),
    close: async () => db.close()
  }
}
