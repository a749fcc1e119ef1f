/**
 * Leases in PostgreSQL: rows with an end by the server's clock, so that clocks of pods do not
 * matter, and tokens from a sequence.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Lease } from "../../domain/Lease.ts"
import { LeaseHeld, LeaseLost, Leases, LeasesUnavailable } from "../../services/Leases.ts"
import {
  circuitPolicy,
  type DatabaseOptions,
  make,
  type Row
} from "../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../drivers/postgres/Failure.ts"
import { int8, text } from "../drivers/postgres/Parameters.ts"

/** Where the database is, and how long to wait for a connection to it. */
export type PostgresLeasesOptions = Pick<
  DatabaseOptions,
  "url" | "acquireTimeout" | "connectionAgeMax"
>

/** Connections of its own, so that a lease does not wait behind a log that is busy. */
const connectionsMax = 2

/** Longest time of a statement: whoever waits for longer has lost its lease meanwhile. */
const statementTimeout = Duration.seconds(5)

/** Leases of all that share the database; its schema must be there (`codefactory migrate`). */
export const layer = (options: PostgresLeasesOptions): Layer.Layer<Leases> =>
  Layer.effect(
    Leases,
    Effect.map(
      make({
        ...options,
        purpose: "leases",
        connectionsMax,
        statementTimeout,
        isSynchronous: true,
        circuit: circuitPolicy
      }),
      ({ query }) => {
        const renewed = (lease: Lease) => ([row]: ReadonlyArray<Row>) =>
          row === undefined
            ? Effect.fail(new LeaseLost({ name: lease.name }))
            : Effect.succeed({ ...lease, expiresAt: Number(row[0]) })
        return Leases.of({
          scope: "cluster",
          acquire: ({ leaseMs, name, owner }) =>
            query("leases.acquire", acquireSql, [text(name), text(owner), int8(leaseMs)]).pipe(
              Effect.mapError(unavailable),
              Effect.flatMap(([row]) => {
                const [isGranted, token, expiresAt, leftMs] = row ?? []
                return isGranted === true
                  ? Effect.succeed({
                    name,
                    owner,
                    fencingToken: Number(token),
                    expiresAt: Number(expiresAt)
                  })
                  : Effect.fail(
                    new LeaseHeld({ name, retryAfterMs: Math.max(1, Number(leftMs ?? 1)) })
                  )
              })
            ),
          renew: (lease, leaseMs) =>
            query("leases.renew", renewSql, [
              text(lease.name),
              int8(lease.fencingToken),
              int8(leaseMs)
            ]).pipe(Effect.mapError(unavailable), Effect.flatMap(renewed(lease))),
          release: (lease) =>
            query("leases.release", releaseSql, [text(lease.name), int8(lease.fencingToken)]).pipe(
              Effect.mapError(unavailable),
              Effect.flatMap(renewed(lease)),
              Effect.asVoid
            )
        })
      }
    )
  )

const unavailable = ({ message }: DatabaseFailed): LeasesUnavailable =>
  new LeasesUnavailable({ detail: message })

const expiresMs = "floor(extract(epoch FROM expires_at) * 1000)::int8"

/**
 * One row: the new lease, or how long the other one lasts. A row that another takes in the same
 * moment is seen by neither part; then it is asked for again soon. Two of those that ended an hour
 * ago go with each grant, so that names that are never used again do not stay.
 */
const acquireSql = `WITH ended AS (
    DELETE FROM codefactory.leases WHERE name IN (
      SELECT name FROM codefactory.leases
      WHERE expires_at < clock_timestamp() - interval '1 hour' AND name <> $1
      ORDER BY expires_at LIMIT 2 FOR UPDATE SKIP LOCKED)),
  granted AS (
    INSERT INTO codefactory.leases AS l (name, owner, token, expires_at)
    VALUES ($1, $2, nextval('codefactory.lease_tokens'),
      clock_timestamp() + $3 * interval '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, token = excluded.token,
      expires_at = excluded.expires_at
    WHERE l.expires_at <= clock_timestamp()
    RETURNING token, expires_at)
  SELECT true, token, ${expiresMs}, 0::int8 FROM granted
  UNION ALL SELECT false, 0, 0,
    ceil(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::int8
  FROM codefactory.leases WHERE name = $1 AND NOT EXISTS (SELECT FROM granted)`

const renewSql = `UPDATE codefactory.leases
  SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
  WHERE name = $1 AND token = $2 AND expires_at > clock_timestamp()
  RETURNING ${expiresMs}`

const releaseSql = `DELETE FROM codefactory.leases
  WHERE name = $1 AND token = $2 AND expires_at > clock_timestamp() RETURNING ${expiresMs}`
