import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as PostgresLog from "../../../../src/layers/log/postgres/PostgresLog.ts"
import { MessageLog } from "../../../../src/services/MessageLog.ts"
import { letterOf, subscriptionOf } from "../../../contracts/LogSamples.ts"
import { databases, rowsOf, run } from "../../../servers/Databases.ts"
import { logOptions } from "./TestLog.ts"

const { newDatabase } = databases()

const withLog = <A, E>(
  url: string,
  use: (log: MessageLog["Service"]) => Effect.Effect<A, E>
) => Effect.provide(MessageLog.use(use), PostgresLog.layer(logOptions(url)))

/** A log with two subscriptions, the second with a dead letter. */
const filled = Effect.tap(newDatabase, (url) =>
  withLog(url, (log) =>
    log.commit({
      subscriptions: [subscriptionOf(1), subscriptionOf(2)],
      deadLetters: [letterOf(1, 2)]
    })))

/** Lets every statement of a kind on a table fail. */
const refuse = (url: string, what: "INSERT" | "DELETE", table: string) =>
  Effect.andThen(
    run(
      url,
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`
    ),
    run(
      url,
      `CREATE TRIGGER refused BEFORE ${what} ON codefactory.${table}
       EXECUTE FUNCTION refuse()`
    )
  )

const namesSql = "SELECT name FROM codefactory.subscriptions ORDER BY incarnation"

const quarantineSql = `SELECT source, key, convert_from(data, 'UTF8') AS data
  FROM codefactory.quarantine`

describe("rows that cannot be read or removed", () => {
  it.live("a damaged row is set aside as it was found, and the rest is there", () =>
    Effect.gen(function*() {
      const url = yield* filled
      yield* run(url, "UPDATE codefactory.subscriptions SET data = 'x' WHERE incarnation = 2")
      const { damaged, subscriptions } = yield* withLog(
        url,
        ({ recovered }) => Effect.succeed(recovered)
      )
      assert.deepStrictEqual(subscriptions.map(({ incarnation }) => incarnation), [1])
      assert.include(damaged.join(), "row 2 of subscriptions is damaged")
      assert.deepStrictEqual(yield* rowsOf(url, quarantineSql), [
        { source: "subscriptions", key: "2", data: "x" }
      ])
      assert.lengthOf(yield* rowsOf(url, namesSql), 1)
    }))

  it.live.each([["INSERT", "quarantine"], ["DELETE", "subscriptions"]] as const)(
    "a damaged row stays where it is when %s on %s fails",
    ([what, table]) =>
      Effect.gen(function*() {
        const url = yield* filled
        yield* run(url, "UPDATE codefactory.subscriptions SET data = 'x' WHERE incarnation = 2")
        yield* refuse(url, what, table)
        const failure = yield* Effect.flip(withLog(url, () => Effect.void))
        assert.include(String(failure), "refused")
        assert.lengthOf(yield* rowsOf(url, namesSql), 2)
        assert.lengthOf(yield* rowsOf(url, quarantineSql), 0, "moved wholly or not at all")
      })
  )

  it.live("a subscription is removed with all that belongs to it, or stays as it was", () =>
    Effect.gen(function*() {
      const url = yield* filled
      const remove = withLog(url, (log) => log.commit({ subscriptionsRemoved: [2] }))
      yield* refuse(url, "DELETE", "dead_letters")
      yield* Effect.flip(remove)
      assert.lengthOf(yield* rowsOf(url, namesSql), 2, "the table that refused came last")
      yield* run(url, "DROP TRIGGER refused ON codefactory.dead_letters")
      yield* remove
      assert.lengthOf(yield* rowsOf(url, namesSql), 1)
      assert.lengthOf(yield* rowsOf(url, "SELECT id FROM codefactory.dead_letters"), 0)
    }))
})
