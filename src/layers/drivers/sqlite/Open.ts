/**
 * Opening an SQLite database that this process alone uses and that survives a power cut.
 *
 * Imports nothing of the program: the store's thread uses it and must start fast.
 */
import { DatabaseSync } from "node:sqlite"

/** How long another holder of the file is waited for, in milliseconds. */
const lockTimeoutMs = 250

/**
 * The pragmas, in the order they need.
 *
 * Pages of 16 KiB rather than 4: measured, 45 % more messages per second in commits of 1,024, and
 * single messages as fast. FULL syncs the write-ahead log at each commit. That log is copied into
 * the database each 16 MiB: often enough for a fast start, seldom enough not to be seen in
 * latencies. Its file is cut back to 64 MiB after a burst. EXCLUSIVE keeps other processes out and
 * needs no shared memory file.
 */
const pragmas = [
  "page_size = 16384",
  "locking_mode = EXCLUSIVE",
  "journal_mode = WAL",
  "synchronous = FULL",
  "wal_autocheckpoint = 1024",
  "journal_size_limit = 67108864",
  "cache_size = -16384",
  "temp_store = MEMORY",
  "trusted_schema = OFF"
]

/** Opens or creates the database; `pagesMax` limits its size (pages of 16 KiB). Throws. */
export const openDatabase = (path: string, pagesMax: number | undefined): DatabaseSync => {
  const db = new DatabaseSync(path, { timeout: lockTimeoutMs })
  try { // A half-opened database would keep its locks.
    for (const pragma of pragmas) db.exec(`PRAGMA ${pragma}`)
    if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count = ${pagesMax}`)
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

/** Takes a lock that ends with this process at the latest. Throws when another one has it. */
export const openLock = (path: string): DatabaseSync => {
  const db = new DatabaseSync(path, { timeout: lockTimeoutMs })
  try { // As above.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}
