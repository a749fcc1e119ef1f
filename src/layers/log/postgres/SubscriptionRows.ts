/**
 * Subscriptions in the database: they belong to no partition, and what belongs to them ends with
 * them in all of them.
 */
import * as Types from "@effect/sql-pg/PgTypes"
import * as Effect from "effect/Effect"
import type { Changes } from "../../../services/MessageLog.ts"
import type { Querying } from "../../drivers/postgres/Database.ts"
import { arrayOf, int8s } from "../../drivers/postgres/Parameters.ts"
import { checksum, readSubscription } from "../Rows.ts"
import { schemaName } from "./Schema.ts"

/** Stores subscriptions, or else removes some. */
export const commitSubscriptions = (
  database: Querying,
  { subscriptions, subscriptionsRemoved }: Pick<Changes, "subscriptions" | "subscriptionsRemoved">
) => {
  const data = (subscriptions ?? []).map((subscription) => JSON.stringify(subscription))
  const incarnations = (subscriptions ?? []).map(({ incarnation }) => incarnation)
  const stored = database.query("subscriptions.put", putSubscriptionsSql, [
    int8s(incarnations),
    arrayOf("text", (subscriptions ?? []).map(({ name }) => name)),
    arrayOf("text", data),
    int8s(incarnations.map((incarnation, at) => checksum(incarnation, data[at] ?? ""))),
    Types.int8(BigInt(Math.max(0, ...incarnations) + 1))
  ])
  const removed = database.query("subscriptions.remove", removeSubscriptionsSql, [
    int8s(subscriptionsRemoved ?? [])
  ])
  return subscriptions === undefined ? removed : stored
}

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

const putSubscriptionsSql = `WITH raised AS (
    UPDATE ${schemaName}.settings SET value = greatest(value, $5)
    WHERE key = 'next_incarnation')
  INSERT INTO ${schemaName}.subscriptions (incarnation, name, data, crc)
  SELECT * FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[])
  ON CONFLICT (incarnation) DO UPDATE
    SET name = excluded.name, data = excluded.data, crc = excluded.crc`

/** With everything that belongs to them; nothing of an ended subscription stays. */
const removeSubscriptionsSql = `WITH subscriptions AS (
    DELETE FROM ${schemaName}.subscriptions WHERE incarnation = ANY($1)),
  cursors AS (DELETE FROM ${schemaName}.cursors WHERE incarnation = ANY($1)),
  own_rows AS (DELETE FROM ${schemaName}.own_rows WHERE incarnation = ANY($1))
  DELETE FROM ${schemaName}.dead_letters WHERE incarnation = ANY($1)`
