/**
 * The transaction that deletes the oldest blocks of a partition, together with what must outlive
 * them: the bounds of its lanes and the idempotency keys that still count.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import type { Row, Statement } from "../../drivers/postgres/Database.ts"
import { arrayOf, int4, int8, int8s } from "../../drivers/postgres/Parameters.ts"
import type { Truncation } from "../LogStore.ts"
import { checksum, sealed, writeBounds } from "../Rows.ts"
import { schemaName } from "./Schema.ts"

/** What is deleted of a partition, and by which owner. */
export interface PartitionTruncation {
  readonly partition: number
  readonly epoch: number
  readonly request: Truncation
}

/** The statements, each only for who owns the partition; `bytesGone` reads what they return. */
export const truncation = (
  { epoch, partition, request: { below, bounds, claims, claimsMax, claimsSince } }:
    PartitionTruncation
): ReadonlyArray<Statement> => {
  const own = [int4(partition), int8(epoch)]
  const data = claims.map((claim) => JSON.stringify(claim))
  return [
    { sql: boundsSql, parameters: [...own, PgTypes.bytea(sealed(writeBounds(bounds)))] },
    { sql: blocksSql, parameters: [...own, int8(below)] },
    {
      sql: keepSql,
      parameters: [
        ...own,
        arrayOf("text", claims.map(({ id }) => id)),
        int8s(claims.map(({ acceptedAt }) => acceptedAt)),
        arrayOf("text", data),
        int8s(claims.map(({ id }, at) => checksum(id, data[at] ?? "")))
      ]
    },
    { sql: forgetSql, parameters: [...own, int8(claimsSince), int8(claimsMax)] }
  ]
}

/** The bytes of the blocks that went; nothing when another owner has the partition. */
export const bytesGone = (
  [owned, blocks]: ReadonlyArray<ReadonlyArray<Row>>
): number | undefined =>
  owned?.length === 1
    ? (blocks ?? []).reduce((sum, [bytes]) => sum + Number(bytes), 0)
    : undefined

const isOwned = "owned.partition = $1 AND owned.epoch = $2"

/** First, so that the row is locked until the end: nobody takes the partition over in between. */
const boundsSql = `UPDATE ${schemaName}.partitions SET bounds = $3
  WHERE partition = $1 AND epoch = $2 RETURNING partition`

const blocksSql = `DELETE FROM ${schemaName}.blocks AS b USING ${schemaName}.partitions AS owned
  WHERE b.partition = $1 AND b.seq < $3 AND ${isOwned}
  RETURNING octet_length(b.header) + octet_length(b.bodies)`

const keepSql = `INSERT INTO ${schemaName}.claims (partition, id, claimed_at, data, crc)
  SELECT owned.partition, g.id, g.claimed_at, g.data, g.crc
  FROM ${schemaName}.partitions AS owned,
    unnest($3::text[], $4::int8[], $5::text[], $6::int8[]) AS g(id, claimed_at, data, crc)
  WHERE ${isOwned}
  ON CONFLICT (partition, id) DO NOTHING`

/** Those that do not count any more, and the oldest beyond the greatest number. */
const forgetSql = `DELETE FROM ${schemaName}.claims AS c USING ${schemaName}.partitions AS owned
  WHERE c.partition = $1 AND ${isOwned} AND (c.claimed_at < $3 OR c.id IN (
    SELECT id FROM ${schemaName}.claims AS old WHERE old.partition = $1
    ORDER BY claimed_at DESC, id DESC OFFSET $4))`
