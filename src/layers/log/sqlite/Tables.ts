/**
 * Changes of everything but blocks, as statements of one open database. Throws what SQLite throws.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { DeadLetter, DeadLetterFilter } from "../../../domain/DeadLetter.ts"
import type { Subscription } from "../../../domain/Subscription.ts"
import type { Changes, Cursor, OwnRow } from "../../../services/MessageLog.ts"
import type { Truncation } from "../LogStore.ts"
import {
  checksum,
  cursorKey,
  readWithMessage,
  singles,
  writeBounds,
  writeCursor,
  writeLeases
} from "../Rows.ts"
import { makeClaimsTable } from "./ClaimsTable.ts"
import { makeDelayedTable } from "./DelayedTable.ts"

/** The statements that change and query rows. */
export const makeTables = (db: DatabaseSync) => {
  const statements = prepareAll(db)
  const delayed = makeDelayedTable(db)
  const claims = makeClaimsTable(db)

  const writeSubscription = (subscription: Subscription): void => {
    const { incarnation } = subscription
    const data = JSON.stringify(subscription)
    statements.putSubscription.run(incarnation, data, checksum(incarnation, data))
    statements.raise.run("next_incarnation", incarnation + 1)
  }
  const writeCursors = (cursors: ReadonlyArray<Cursor>): void => {
    for (const cursor of cursors) {
      const key = cursorKey(cursor)
      const data = writeCursor(cursor)
      statements.putCursor.run(key, data, checksum(key, data))
    }
  }
  const writeOwnRow = (row: OwnRow): void => {
    const data = JSON.stringify(row)
    statements.putOwnRow.run(row.id, row.incarnation, data, checksum(row.id, data))
    statements.raise.run("next_own_row", row.id + 1)
  }
  const writeLetter = (letter: DeadLetter): void => {
    const { failedAt, id, incarnation, message, subscription } = letter
    const data = JSON.stringify(letter)
    const crc = checksum(id, data)
    statements.putLetter.run(id, incarnation, subscription, message.topic, failedAt, data, crc)
    statements.raise.run("next_dead_letter", id + 1)
  }

  const writeSingle = (id: number, data: Uint8Array): void => {
    statements.putSingle.run(id, data, checksum(id, data))
  }

  /** Applies a change; what it removes goes last: nothing stays of an ended subscription. */
  const apply = (changes: Changes): void => {
    changes.subscriptions?.forEach(writeSubscription)
    writeCursors(changes.cursors ?? [])
    changes.ownRows?.forEach(writeOwnRow)
    changes.deadLetters?.forEach(writeLetter)
    changes.delayed?.forEach(delayed.write)
    if (changes.leases !== undefined) writeSingle(singles.leases, writeLeases(changes.leases))
    changes.delayedRemoved?.forEach(delayed.remove)
    changes.ownRowsRemoved?.forEach((id) => statements.dropOwnRow.run(id))
    changes.deadLettersRemoved?.forEach((id) => statements.dropLetter.run(id))
    for (const incarnation of changes.subscriptionsRemoved ?? []) {
      for (const statement of statements.dropOf) statement.run(incarnation)
    }
  }

  const letters = lettersIn(statements.selectLetters)

  const mark = (key: "epoch" | "clean", value: number): void => {
    statements.putMeta.run(key, value)
  }

  const truncate = (truncation: Truncation): void => {
    statements.dropBlocks.run(truncation.below)
    writeSingle(singles.bounds, writeBounds(truncation.bounds))
    claims.keep(truncation)
  }

  return { apply, letters, mark, truncate, delayed, claims }
}

const lettersIn = (select: StatementSync) =>
(
  { failedSince, ids, subscription, topic }: DeadLetterFilter,
  after: number,
  limit: number
): ReadonlyArray<DeadLetter> => {
  const wanted = ids === undefined ? null : JSON.stringify(ids)
  const rows = select
    .all(after, subscription ?? null, topic ?? null, failedSince ?? null, wanted, limit)
  return rows.flatMap(({ crc, data, id }) =>
    checksum(Number(id), String(data)) === crc ? [readWithMessage<DeadLetter>(String(data))] : []
  )
}

const prepareAll = (db: DatabaseSync) => ({
  raise: db.prepare("UPDATE meta SET value = max(value, ?2) WHERE key = ?1"),
  putMeta: db.prepare("UPDATE meta SET value = ?2 WHERE key = ?1"),
  putSubscription: db.prepare("INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?)"),
  putCursor: db.prepare("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)"),
  putOwnRow: db.prepare("INSERT OR REPLACE INTO own_rows VALUES (?, ?, ?, ?)"),
  putLetter: db.prepare("INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?)"),
  putSingle: db.prepare("INSERT OR REPLACE INTO singles VALUES (?, ?, ?)"),
  dropBlocks: db.prepare("DELETE FROM blocks WHERE seq < ?"),
  dropOwnRow: db.prepare("DELETE FROM own_rows WHERE id = ?"),
  dropLetter: db.prepare("DELETE FROM dead_letters WHERE id = ?"),
  dropOf: [
    "DELETE FROM subscriptions WHERE incarnation = ?1",
    "DELETE FROM cursors WHERE id BETWEEN ?1 * 128 AND ?1 * 128 + 127",
    "DELETE FROM own_rows WHERE incarnation = ?1",
    "DELETE FROM dead_letters WHERE incarnation = ?1"
  ].map((sql) => db.prepare(sql)),
  selectLetters: db.prepare(`
    SELECT id, data, crc FROM dead_letters
    WHERE id > ?1 AND (?2 IS NULL OR subscription = ?2) AND (?3 IS NULL OR topic = ?3)
      AND (?4 IS NULL OR failed_at >= ?4)
      AND (?5 IS NULL OR id IN (SELECT value FROM json_each(?5)))
    ORDER BY id LIMIT ?6`)
})
