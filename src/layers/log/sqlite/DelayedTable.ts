/**
 * The table of delayed messages of one open database. Throws what SQLite throws.
 */
import type { DatabaseSync } from "node:sqlite"
import type { Delayed, DelayedKey } from "../../../services/MessageLog.ts"
import { claimOf } from "../ClaimOf.ts"
import { checksum, readDelayed } from "../Rows.ts"
import { setAside } from "./Recovery.ts"

/** Some delayed messages; damaged ones were set aside and are named by a sentence each. */
export interface DelayedPage {
  readonly rows: ReadonlyArray<Delayed>
  readonly damaged: ReadonlyArray<string>
}

/** The statements that change and query delayed messages. */
export const makeDelayedTable = (db: DatabaseSync) => {
  const statements = prepareAll(db)

  const write = (row: Delayed): void => {
    const data = JSON.stringify(row)
    const claimedAt = claimOf(row)?.acceptedAt ?? null
    statements.put.run(row.id, row.dueAt, claimedAt, row.bytes, data, checksum(row.id, data))
  }

  const remove = (id: string): void => {
    statements.drop.run(id)
  }

  const readRow = ({ crc, data, id }: Record<string, unknown>): ReadonlyArray<Delayed> =>
    checksum(String(id), String(data)) === crc ? [readDelayed(String(data))] : []

  const page = (
    after: DelayedKey | undefined,
    limit: number,
    bytesMax: number
  ): DelayedPage => {
    const rows: Array<Delayed> = []
    const damaged: Array<number> = []
    let bytes = 0 // A running sum: the rest of the page is not read once it is full.
    for (const row of statements.page.iterate(after?.dueAt ?? -1, after?.id ?? "", limit)) {
      bytes += Number(row["bytes"])
      if (bytes > bytesMax && rows.length > 0) break
      const read = readRow(row)
      rows.push(...read)
      if (read.length === 0) damaged.push(Number(row["key"]))
    }
    const sentences: Array<string> = []
    for (const key of damaged) setAside(db, "delayed", "rowid", key, sentences)
    if (rows.length > 0 || damaged.length === 0) return { rows, damaged: sentences }
    const next = page(after, limit, bytesMax) // Without them: nothing at all would say "no more".
    return { rows: next.rows, damaged: [...sentences, ...next.damaged] }
  }

  const find = (id: string): Delayed | undefined => {
    const row = statements.find.get(id)
    return row === undefined ? undefined : readRow(row)[0]
  }

  return { write, remove, page, find }
}

const prepareAll = (db: DatabaseSync) => ({
  put: db.prepare("INSERT OR REPLACE INTO delayed VALUES (?, ?, ?, ?, ?, ?)"),
  drop: db.prepare("DELETE FROM delayed WHERE id = ?"),
  find: db.prepare("SELECT id, data, crc FROM delayed WHERE id = ?"),
  page: db.prepare(
    "SELECT rowid AS key, id, bytes, data, crc FROM delayed WHERE (due_at, id) > (?, ?)" +
      " ORDER BY due_at, id LIMIT ?"
  )
})
