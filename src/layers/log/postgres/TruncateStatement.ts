/**
 * The statement that deletes the oldest blocks of a partition, together with what must outlive
 * them: the bounds of its lanes and the idempotency keys that still count.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
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

/** The statement; it returns one row, the bytes that went, unless another owner has it now. */
export const truncation = (
  { epoch, partition, request: { below, bounds, claims, claimsMax, claimsSince } }:
    PartitionTruncation
): { readonly sql: string; readonly parameters: ReadonlyArray<PgTypes.Parameter> } => {
  const data = claims.map((claim) => JSON.stringify(claim))
  return {
    sql,
    parameters: [
      int4(partition),
      int8(epoch),
      int8(below),
      PgTypes.bytea(sealed(writeBounds(bounds))),
      arrayOf("text", claims.map(({ id }) => id)),
      int8s(claims.map(({ acceptedAt }) => acceptedAt)),
      arrayOf("text", data),
      int8s(claims.map(({ id }, at) => checksum(id, data[at] ?? ""))),
      int8(claimsSince),
      int8(claimsMax)
    ]
  }
}

/** Beyond the greatest number, the oldest claims go; the new ones are counted in the next time. */
const sql = `WITH owned AS (
    UPDATE ${schemaName}.partitions SET bounds = $4
    WHERE partition = $1 AND epoch = $2 RETURNING partition),
  gone AS (
    DELETE FROM ${schemaName}.blocks AS b USING owned
    WHERE b.partition = owned.partition AND b.seq < $3
    RETURNING octet_length(b.header) + octet_length(b.bodies) AS bytes),
  kept AS (
    INSERT INTO ${schemaName}.claims (partition, id, claimed_at, data, crc)
    SELECT owned.partition, g.id, g.claimed_at, g.data, g.crc
    FROM owned, unnest($5::text[], $6::int8[], $7::text[], $8::int8[])
      AS g(id, claimed_at, data, crc)
    ON CONFLICT (partition, id) DO NOTHING),
  forgotten AS (
    DELETE FROM ${schemaName}.claims AS c USING owned
    WHERE c.partition = owned.partition AND (c.claimed_at < $9 OR c.id IN (
      SELECT id FROM ${schemaName}.claims AS old WHERE old.partition = $1
      ORDER BY claimed_at DESC, id DESC OFFSET $10)))
  SELECT coalesce((SELECT sum(bytes) FROM gone), 0)::int8 FROM owned`
