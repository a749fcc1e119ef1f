/**
 * Subscriptions in the database: they belong to no partition, and what belongs to them ends with
 * them in all of them.
 */
import * as Effect from "effect/Effect"
import type { Subscription } from "../../../domain/Subscription.ts"
import type { Changes } from "../../../services/MessageLog.ts"
import type { Querying, Statement, Transacting } from "../../drivers/postgres/Database.ts"
import { arrayOf, int8, int8s } from "../../drivers/postgres/Parameters.ts"
import { checksum, readSubscription } from "../Rows.ts"
import { schemaName } from "./Schema.ts"

/** Stores subscriptions, or else removes some. */
export const commitSubscriptions = (
  database: Transacting,
  { subscriptions, subscriptionsRemoved }: Pick<Changes, "subscriptions" | "subscriptionsRemoved">
) =>
  subscriptions === undefined
    ? database.transaction("subscriptions.remove", removal(subscriptionsRemoved ?? []))
    : database.transaction("subscriptions.put", storing(subscriptions))

const storing = (subscriptions: ReadonlyArray<Subscription>): ReadonlyArray<Statement> => {
  const data = subscriptions.map((subscription) => JSON.stringify(subscription))
  const incarnations = subscriptions.map(({ incarnation }) => incarnation)
  return [
    { sql: raiseSql, parameters: [int8(Math.max(0, ...incarnations) + 1)] },
    {
      sql: putSql,
      parameters: [
        int8s(incarnations),
        arrayOf("text", subscriptions.map(({ name }) => name)),
        arrayOf("text", data),
        int8s(incarnations.map((incarnation, at) => checksum(incarnation, data[at] ?? "")))
      ]
    }
  ]
}

/** With everything that belongs to them; nothing of an ended subscription stays. */
const removal = (incarnations: ReadonlyArray<number>): ReadonlyArray<Statement> =>
  ["cursors", "own_rows", "dead_letters", "subscriptions"].map((table) => ({
    sql: `DELETE FROM ${schemaName}.${table} WHERE incarnation = ANY($1)`,
    parameters: [int8s(incarnations)]
  }))

/** All subscriptions, those that are damaged left out, and the next number of one. */
export const readSubscriptions = (database: Querying) =>
  Effect.map(
    Effect.all({
      rows: database.query("subscriptions.all", allSubscriptionsSql, []),
      settings: database.query("subscriptions.next", nextSql, [])
    }, { concurrency: "unbounded" }),
    ({ rows, settings }) => ({
      nextIncarnation: Number(settings[0]?.[0] ?? 1),
      subscriptions: rows.flatMap(([incarnation, data, crc]) =>
        checksum(Number(incarnation), String(data)) === Number(crc)
          ? [readSubscription(String(data))]
          : []
      )
    })
  )

/** The number of a new subscription, which nobody else gets. */
export const takeIncarnation = (database: Querying) =>
  Effect.map(
    database.query("subscriptions.take number", takeNumberSql, []),
    ([row]) => Number(row?.[0] ?? 1)
  )

const allSubscriptionsSql = `SELECT incarnation, data, crc FROM ${schemaName}.subscriptions
  ORDER BY incarnation`

const nextSql = `SELECT value FROM ${schemaName}.settings WHERE key = 'next_incarnation'`

const takeNumberSql = `UPDATE ${schemaName}.settings SET value = value + 1
  WHERE key = 'next_incarnation' RETURNING value - 1`

const raiseSql = `UPDATE ${schemaName}.settings SET value = greatest(value, $1)
  WHERE key = 'next_incarnation'`

const putSql = `INSERT INTO ${schemaName}.subscriptions (incarnation, name, data, crc)
  SELECT * FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[])
  ON CONFLICT (incarnation) DO UPDATE
    SET name = excluded.name, data = excluded.data, crc = excluded.crc`
