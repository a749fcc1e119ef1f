/**
 * Rows that are listed over all partitions of a process: dead letters and delayed messages.
 */
import * as Types from "@effect/sql-pg/PgTypes"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DeadLetter } from "../../../domain/DeadLetter.ts"
import { partitionOfId } from "../../../domain/MessageId.ts"
import { allPartitions } from "../../../domain/Position.ts"
import type { Querying, Row } from "../../drivers/postgres/Database.ts"
import { arrayOf, int4, int4s, int8 } from "../../drivers/postgres/Parameters.ts"
import type { LogStore } from "../LogStore.ts"
import { checksum, readDelayed, readWithMessage } from "../Rows.ts"
import { unavailable } from "./Failures.ts"
import { setAside } from "./Quarantine.ts"
import { schemaName } from "./Schema.ts"

/** The part of a store that reads them. */
export type Listings = Pick<LogStore["Service"], "deadLetters" | "delayed" | "findDelayed">

/**
 * What stands in the rows: delayed messages of the partitions that `owned` names at each call, dead
 * letters of all partitions, because who looks for one does not know whose it is. `replicas` answer
 * what may be a little old.
 */
export const make = (
  database: Querying,
  replicas: Querying,
  owned: () => Iterable<number>
): Listings => {
  const all = int4s(allPartitions)

  const delayed: Listings["delayed"] = (after, limit, bytesMax) =>
    Effect.gen(function*() {
      const rows = yield* database.query("delayed.page", delayedSql, [
        int4s([...owned()]),
        int8(after?.dueAt ?? -1),
        after?.id ?? "",
        int4(limit),
        int8(Math.min(bytesMax, Number.MAX_SAFE_INTEGER))
      ])
      const damaged = rows.filter((row) => !isIntact(row))
      for (const [partition, id] of damaged) {
        const sentence = yield* setAside(database, "delayed", Number(partition), String(id))
        yield* Effect.logError("a delayed message is lost", sentence)
      }
      // Nothing at all would say that there is no more.
      if (damaged.length > 0 && damaged.length === rows.length) return undefined
      return rows.filter(isIntact).map(([, , data]) => readDelayed(String(data)))
    }).pipe(
      Effect.mapError(unavailable),
      Effect.flatMap((rows) =>
        rows === undefined ? delayed(after, limit, bytesMax) : Effect.succeed(rows)
      )
    )

  return {
    delayed,
    findDelayed: (id) =>
      database.query("delayed.find", findSql, [int4(partitionOfId(id)), id]).pipe(
        Effect.mapBoth({
          onFailure: unavailable,
          onSuccess: ([row]) =>
            row !== undefined && isIntact(row)
              ? Option.some(readDelayed(String(row[2])))
              : Option.none()
        })
      ),
    deadLetters: ({ failedSince, ids, subscription, topic }, after, limit, asOf) =>
      (asOf === "Lately" ? replicas : database).query("dead letters.list", lettersSql, [
        all,
        int8(after),
        Types.text(subscription ?? null),
        Types.text(topic ?? null),
        Types.int8(failedSince === undefined ? null : BigInt(Math.ceil(failedSince))),
        arrayOf("int8", ids ?? []),
        Types.bool(ids !== undefined),
        int4(limit)
      ]).pipe(
        Effect.mapBoth({
          onFailure: unavailable,
          onSuccess: (rows) =>
            rows.flatMap((row) =>
              isIntact(row) ? [readWithMessage<DeadLetter>(String(row[2]))] : []
            )
        })
      )
  }
}

/** Rows are partition, id, data, checksum. */
const isIntact = ([, id, data, crc]: Row): boolean =>
  checksum(typeof id === "string" ? id : Number(id), String(data)) === Number(crc)

/** At least one, whatever its bytes. */
const delayedSql = `SELECT partition, id, data, crc FROM (
    SELECT partition, id, data, crc, due_at,
      sum(bytes) OVER (ORDER BY due_at, id) AS through, row_number() OVER (ORDER BY due_at, id) AS n
    FROM (SELECT * FROM ${schemaName}.delayed
      WHERE partition = ANY($1) AND (due_at, id) > ($2, $3) ORDER BY due_at, id LIMIT $4) AS page
    ) AS summed
  WHERE through <= $5 OR n = 1 ORDER BY due_at, id`

const findSql = `SELECT partition, id, data, crc FROM ${schemaName}.delayed
  WHERE partition = $1 AND id = $2`

const lettersSql = `SELECT partition, id, data, crc FROM ${schemaName}.dead_letters
  WHERE partition = ANY($1) AND id > $2 AND ($3::text IS NULL OR subscription = $3)
    AND ($4::text IS NULL OR topic = $4) AND ($5::int8 IS NULL OR failed_at >= $5)
    AND (NOT $7 OR id = ANY($6))
  ORDER BY id LIMIT $8`
