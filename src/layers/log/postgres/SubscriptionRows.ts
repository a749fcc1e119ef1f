/**
 * Subscriptions in the database: they belong to no partition, and what belongs to them ends with
 * them in all of them.
 */
import * as Effect from "effect/Effect"
import type { Subscription } from "../../../domain/Subscription.ts"
import type { Changes } from "../../../services/MessageLog.ts"
import type { Database, Querying } from "../../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import { arrayOf, int8, int8s } from "../../drivers/postgres/Parameters.ts"
import { transaction } from "../../drivers/postgres/Transaction.ts"
import { checksum, readSubscription } from "../Rows.ts"
import { schemaName } from "./Schema.ts"

/**
 * Stores subscriptions, or else removes some with everything that belongs to them: nothing of an
 * ended subscription stays. Each statement changes one table, which distributed ones ask for.
 */
export const commitSubscriptions = (
  database: Database["Service"],
  { subscriptions, subscriptionsRemoved }: Pick<Changes, "subscriptions" | "subscriptionsRemoved">
): Effect.Effect<void, DatabaseFailed> =>
  subscriptions === undefined
    ? remove(database, subscriptionsRemoved ?? [])
    : put(database, subscriptions)

/** The number is raised first: should the rest fail, it is skipped and never given twice. */
const put = Effect.fnUntraced(function*(
  database: Querying,
  subscriptions: ReadonlyArray<Subscription>
) {
  const data = subscriptions.map((subscription) => JSON.stringify(subscription))
  const incarnations = subscriptions.map(({ incarnation }) => incarnation)
  yield* database.query("subscriptions.raise", raiseNumberSql, [
    int8(Math.max(0, ...incarnations) + 1)
  ])
  yield* database.query("subscriptions.put", putSubscriptionsSql, [
    int8s(incarnations),
    arrayOf("text", subscriptions.map(({ name }) => name)),
    arrayOf("text", data),
    int8s(incarnations.map((incarnation, at) => checksum(incarnation, data[at] ?? "")))
  ])
})

const remove = (database: Database["Service"], incarnations: ReadonlyArray<number>) =>
  Effect.scoped(Effect.gen(function*() {
    const connection = yield* database.reserve
    const all = int8s(incarnations)
    yield* transaction(
      connection,
      Effect.forEach(tablesOfSubscriptions, (table) =>
        connection.query(
          "subscriptions.remove",
          `DELETE FROM ${schemaName}.${table} WHERE incarnation = ANY($1)`,
          [all]
        ), { discard: true })
    )
  }))

const tablesOfSubscriptions = ["subscriptions", "cursors", "own_rows", "dead_letters"]

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

const raiseNumberSql = `UPDATE ${schemaName}.settings SET value = greatest(value, $1)
  WHERE key = 'next_incarnation'`

const putSubscriptionsSql = `INSERT INTO ${schemaName}.subscriptions (incarnation, name, data, crc)
  SELECT * FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[])
  ON CONFLICT (incarnation) DO UPDATE
    SET name = excluded.name, data = excluded.data, crc = excluded.crc`
