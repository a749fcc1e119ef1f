/**
 * Idempotency keys in rows of one open database: those of delayed messages, and those whose message
 * was deleted, which have a table of their own. Throws what SQLite throws.
 */
import type { DatabaseSync } from "node:sqlite"
import type { Claim } from "../../../services/MessageLog.ts"
import { claimOf } from "../ClaimOf.ts"
import type { ClaimsRequest, Truncation } from "../LogStore.ts"
import { checksum, readDelayed } from "../Rows.ts"

/** The statements that keep and query claims. */
export const makeClaimsTable = (db: DatabaseSync) => {
  const statements = prepareAll(db)
  const count = (): number => Number(statements.count.get()?.["n"])
  let most = count() // At least so many are in the table: to count them costs milliseconds.

  /** Keeps claims of deleted messages; forgets those that are over, and the oldest if too many. */
  const keep = (
    { claims, claimsMax, claimsSince }: Omit<Truncation, "below" | "bounds">
  ): void => {
    if (claims.length === 0 && most === 0) return
    for (const claim of claims) {
      const data = JSON.stringify(claim)
      statements.put.run(claim.id, claim.acceptedAt, data, checksum(claim.id, data))
    }
    most += claims.length - Number(statements.dropBefore.run(claimsSince).changes)
    if (most <= claimsMax) return
    statements.dropOldest.run(Math.max(0, count() - claimsMax))
    most = count()
  }

  const read = ({ after, limit, since }: ClaimsRequest): ReadonlyArray<Claim> =>
    statements.page.all(after?.acceptedAt ?? since, after?.id ?? "", limit).flatMap(readRow)

  return { keep, read }
}

/** JSON drops absent fields; a claim has them all. A damaged one counts as forgotten. */
const readRow = ({ crc, data, id, kept }: Record<string, unknown>): ReadonlyArray<Claim> => {
  if (checksum(String(id), String(data)) !== crc) return []
  if (kept !== 1) return [claimOf(readDelayed(String(data))) ?? []].flat()
  const claim: Claim = JSON.parse(String(data)) // Written by this program.
  return [{ ...claim, key: claim.key, idempotencyKey: claim.idempotencyKey }]
}

const prepareAll = (db: DatabaseSync) => ({
  put: db.prepare("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?)"),
  dropBefore: db.prepare("DELETE FROM claims WHERE claimed_at < ?"),
  dropOldest: db.prepare(
    "DELETE FROM claims WHERE id IN (SELECT id FROM claims ORDER BY claimed_at, id LIMIT ?)"
  ),
  count: db.prepare("SELECT count(*) AS n FROM claims"),
  page: db.prepare(
    "SELECT id, claimed_at, data, crc, 0 AS kept FROM delayed" +
      " WHERE claimed_at IS NOT NULL AND (claimed_at, id) > (?1, ?2) UNION ALL" +
      " SELECT id, claimed_at, data, crc, 1 FROM claims WHERE (claimed_at, id) > (?1, ?2)" +
      " ORDER BY claimed_at, id LIMIT ?3"
  )
})
