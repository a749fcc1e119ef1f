/**
 * Reading the blocks of a partition, and the idempotency keys that stand in rows.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Claim, LogUnavailable, LogUnopened } from "../../../services/MessageLog.ts"
import type { Querying } from "../../drivers/postgres/Database.ts"
import { int4, int8, int8s } from "../../drivers/postgres/Parameters.ts"
import { isIntact } from "../BlockLayout.ts"
import { claimOf } from "../ClaimOf.ts"
import type { BlocksRead, ClaimsRequest, HeaderPage, LogStore } from "../LogStore.ts"
import { checksum, readDelayed } from "../Rows.ts"
import { unavailable, unopened } from "./Failures.ts"
import { setAside } from "./Quarantine.ts"
import { schemaName } from "./Schema.ts"

/** Bytes of blocks in one reply, unless a single block is larger. */
const readBytesMax = 8 * 1_048_576

/** Headers in one reply. */
const headersPage = 1_000

/** The part of a partition's store that reads blocks. */
export const blockRows = (
  database: Querying,
  replicas: Querying,
  partition: number
): Pick<LogStore["Service"], "headers" | "readBlocks" | "rowClaims"> => {
  const own = int4(partition)

  const headers = (after: number): Effect.Effect<HeaderPage, LogUnopened> =>
    Effect.gen(function*() {
      const rows = yield* database.query("blocks.headers", headersSql, [
        own,
        int8(after),
        int4(headersPage)
      ])
      const found = rows.flatMap(([seq, header]) =>
        header instanceof Uint8Array ? [{ seq: Number(seq), header }] : []
      )
      const [damaged, intact] = partitioned(found, ({ header }) => isIntact(header))
      return {
        headers: intact,
        damaged: yield* Effect.forEach(
          damaged,
          ({ seq }) => setAside(database, "blocks", partition, String(seq))
        ),
        next: rows.length < headersPage ? undefined : found.at(-1)?.seq
      }
    }).pipe(Effect.mapError(unopened))

  const readRows = readingBlocks(database, replicas, own)

  const readBlocks = (seqs: ReadonlyArray<number>): Effect.Effect<BlocksRead, LogUnavailable> =>
    readRows(seqs).pipe(
      Effect.mapBoth({
        onFailure: unavailable,
        onSuccess: (rows) => {
          const blocks = rows.flatMap(([seq, header, bodies]) =>
            header instanceof Uint8Array && bodies instanceof Uint8Array
              ? [{ seq: Number(seq), header, bodies }]
              : []
          )
          const last = blocks.at(-1)?.seq
          const isCut = rows.length < Number(rows[0]?.[3] ?? 0)
          return {
            blocks,
            count: isCut && last !== undefined ? seqs.indexOf(last) + 1 : seqs.length
          }
        }
      })
    )

  const rowClaims = ({ after, limit, since }: ClaimsRequest) =>
    database.query("claims.read", claimsSql, [
      own,
      int8(after?.acceptedAt ?? since),
      after?.id ?? "",
      int4(limit)
    ]).pipe(
      Effect.mapBoth({ onFailure: unavailable, onSuccess: (rows) => rows.flatMap(readClaim) })
    )

  return { headers, readBlocks, rowClaims }
}

/** Blocks never change, so a replica may have them; what it has not yet, the primary has. */
const readingBlocks = (
  database: Querying,
  replicas: Querying,
  partition: ReturnType<typeof int4>
) => {
  const readFrom = (from: Querying, seqs: ReadonlyArray<number>) =>
    from.query("blocks.read", readSql, [partition, int8s(seqs), int8(readBytesMax)])
  return (seqs: ReadonlyArray<number>) =>
    replicas === database
      ? readFrom(database, seqs)
      : Effect.flatMap(readFrom(replicas, seqs), (rows) =>
        Number(rows[0]?.[3] ?? 0) === seqs.length
          ? Effect.succeed(rows)
          : readFrom(database, seqs))
}

/** Those that do not pass, and those that do. */
const partitioned = <A>(
  all: ReadonlyArray<A>,
  passes: (one: A) => boolean
): readonly [ReadonlyArray<A>, ReadonlyArray<A>] => [
  all.filter((one) => !passes(one)),
  all.filter(passes)
]

const headersSql = `SELECT seq, header FROM ${schemaName}.blocks
  WHERE partition = $1 AND seq > $2 ORDER BY seq LIMIT $3`

/** In the order asked for, up to the first that would make the reply too large. */
const readSql = `SELECT seq, header, bodies, total FROM (
    SELECT b.seq, b.header, b.bodies, count(*) OVER () AS total, g.place,
      sum(octet_length(b.bodies)) OVER (ORDER BY g.place) - octet_length(b.bodies) AS before
    FROM unnest($2::int8[]) WITH ORDINALITY AS g(seq, place)
    JOIN ${schemaName}.blocks AS b ON b.partition = $1 AND b.seq = g.seq) AS found
  WHERE before < $3 ORDER BY place`

const claimsSql = `SELECT id, claimed_at, data, crc, false FROM ${schemaName}.delayed
    WHERE partition = $1 AND claimed_at IS NOT NULL AND (claimed_at, id) > ($2, $3)
  UNION ALL SELECT id, claimed_at, data, crc, true FROM ${schemaName}.claims
    WHERE partition = $1 AND (claimed_at, id) > ($2, $3)
  ORDER BY 2, 1 LIMIT $4`

/** JSON drops absent fields; a claim has them all. A damaged one counts as forgotten. */
const readClaim = (
  [id, , data, crc, isKept]: ReadonlyArray<unknown>
): ReadonlyArray<Claim> => {
  if (checksum(String(id), String(data)) !== Number(crc)) return []
  if (isKept !== true) {
    return Option.toArray(Option.fromUndefinedOr(claimOf(readDelayed(String(data)))))
  }
  const claim: Claim = JSON.parse(String(data)) // Written by this program.
  return [{ ...claim, key: claim.key, idempotencyKey: claim.idempotencyKey }]
}
