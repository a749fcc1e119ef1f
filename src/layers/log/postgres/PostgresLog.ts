/**
 * The shared log: in PostgreSQL, a block log for each partition.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { claimsMax } from "../../../domain/IdempotencyKey.ts"
import { partitionCount } from "../../../domain/Position.ts"
import { type Durability, LogUnopened, MessageLog } from "../../../services/MessageLog.ts"
import * as Database from "../../drivers/postgres/Database.ts"
import { int4s, int8s } from "../../drivers/postgres/Parameters.ts"
import { mergeAttempts } from "../AttemptsMerge.ts"
import * as BlockLog from "../BlockLog.ts"
import { changesByPartition } from "../ChangesByPartition.ts"
import * as PartitionedLog from "../PartitionedLog.ts"
import * as Committer from "./Committer.ts"
import { durabilityOf } from "./Durability.ts"
import { unavailable, unopened } from "./Failures.ts"
import * as Journal from "./Journal.ts"
import * as Listings from "./Listings.ts"
import { migrate, planned } from "./Migrations.ts"
import { netOf } from "./NetChanges.ts"
import { allPartitions, open, type Opened, type PartitionRow } from "./Opening.ts"
import * as PartitionStore from "./PartitionStore.ts"
import { allRecovered, recoveredOf } from "./Recovered.ts"
import { type Migration, schemaName } from "./Schema.ts"
import { commitSubscriptions } from "./SubscriptionRows.ts"

/** How the shared log is opened. */
export interface PostgresLogOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full`. */
  readonly url: Redacted.Redacted
  /** The name of this process, for operators who look at the tables. */
  readonly owner: string
  readonly connectionsMax: number
  readonly acquireTimeout: Duration.Duration
  readonly connectionAgeMax: Duration.Duration
  readonly retrying: Committer.Retrying
  /** Refuse to open a log whose commits reach less. */
  readonly durabilityRequired?: Durability | undefined
  /** How long idempotency keys are remembered, and how many. */
  readonly claimsFor: Duration.Duration
  readonly claimsMax?: number
}

/** Longest time of a statement of the log on the server. */
const statementTimeout = Duration.seconds(30)

/** Longest time of a step of a migration: indexes of large tables take their time. */
const migrationTimeout = Duration.hours(1)

/** How long the closing waits for a database that does not answer. */
const closeTimeout = Duration.seconds(5)

/** The log of all partitions, taken over from whoever had them. */
export const layer = (options: PostgresLogOptions): Layer.Layer<MessageLog, LogUnopened> =>
  Layer.effect(
    MessageLog,
    Effect.gen(function*() {
      for (const { id, name } of yield* migrating(options, "run")) {
        yield* Effect.logInfo(`migrated the database: ${id} ${name}`)
      }
      const database = yield* Database.make(connecting(options))
      const noting = yield* Database.make({
        ...connecting(options),
        connectionsMax: 1,
        isSynchronous: false
      })
      const durability = yield* durabilityOf(database, options.durabilityRequired)
      const opened = yield* open(database, allPartitions, options.owner)
      if (opened.partitions.length !== partitionCount) return yield* tampered
      const epochs = new Map(opened.partitions.map(({ epoch, partition }) => [partition, epoch]))
      const committer = yield* Committer.make(database, options.retrying)
      yield* Effect.addFinalizer(() => Effect.ignore(giveBack(database, epochs)))
      const partitions = yield* merged(database, committer, opened)
      const journal = yield* Journal.make(noting, epochs)
      const listings = Listings.make(database, allPartitions)
      const logs = yield* Effect.forEach(partitions, (row) =>
        BlockLog.make(
          PartitionStore.make(database, committer, {
            ...row,
            recovered: recoveredOf(opened, row),
            durability,
            journal,
            listings
          }),
          {
            claimsFor: options.claimsFor,
            keysMax: options.claimsMax ?? claimsMax,
            cacheBytesMax: BlockLog.cacheBytesMax / partitionCount
          }
        ), { concurrency: 16 })
      // Registered last, so that it comes first: what waits for a database that is away gives up.
      yield* Effect.addFinalizer(() =>
        Effect.forkDetach(Effect.delay(committer.giveUp, closeTimeout))
      )
      return PartitionedLog.make({
        durability,
        recovered: allRecovered(opened, logs.map(({ recovered }) => recovered)),
        logs,
        commitSubscriptions: (changes) =>
          Effect.mapError(commitSubscriptions(database, changes), unavailable),
        journal,
        listings
      })
    }).pipe(Effect.catchTag("DatabaseFailed", (failure) => Effect.fail(unopened(failure))))
  )

const connecting = (
  options: Omit<PostgresLogOptions, "claimsFor">
): Database.DatabaseOptions => ({
  ...options,
  statementTimeout,
  isSynchronous: true,
  circuit: Database.circuitPolicy
})

/** What is run or would be, over connections of its own, which close when it is done. */
export const migrating = (
  options: Omit<PostgresLogOptions, "claimsFor">,
  what: "plan" | "run"
): Effect.Effect<ReadonlyArray<Migration>, LogUnopened> =>
  Effect.scoped(Effect.gen(function*() {
    const database = yield* Database.make({
      ...connecting(options),
      connectionsMax: 1,
      statementTimeout: migrationTimeout
    })
    const steps = what === "plan" ? planned() : migrate()
    return yield* Effect.provideService(steps, Database.Database, database)
  })).pipe(Effect.catchTags({
    DatabaseFailed: (failure) => Effect.fail(unopened(failure)),
    SchemaNewer: ({ message }) =>
      Effect.fail(new LogUnopened({ reason: "Newer", path: "DATABASE_URL", detail: message }))
  }))

const tampered = new LogUnopened({
  reason: "Damaged",
  path: "DATABASE_URL",
  detail: `the table partitions does not have ${partitionCount} rows; restore it from a backup`
})

/** Stores the journalled attempts with the progress they belong to, and forgets the notes. */
const merged = Effect.fnUntraced(function*(
  database: Database.Querying,
  committer: Committer.Committer,
  opened: Opened
) {
  const parts = changesByPartition(mergeAttempts(opened, opened.takes))
  const partitions = yield* Effect.forEach(
    opened.partitions,
    Effect.fnUntraced(function*(row: PartitionRow) {
      const changes = parts.get(row.partition)
      if (changes === undefined) return row
      yield* committer.commit({ ...row, block: undefined, changes: netOf([changes]) })
      return { ...row, version: row.version + 1 }
    }),
    { concurrency: "unbounded" }
  )
  yield* database.query("takes.clear", clearTakesSql, [
    int4s(partitions.map(({ partition }) => partition)),
    int8s(partitions.map(({ epoch }) => epoch))
  ])
  return partitions
})

/** Says that nothing was left behind, as far as the partitions are still owned. */
const giveBack = (database: Database.Querying, epochs: ReadonlyMap<number, number>) =>
  database.query("partitions.give back", giveBackSql, [
    int4s([...epochs.keys()]),
    int8s([...epochs.values()])
  ])

const clearTakesSql = `DELETE FROM ${schemaName}.takes AS t
  USING unnest($1::int4[], $2::int8[]) AS g(partition, epoch)
  WHERE t.partition = g.partition AND t.epoch < g.epoch`

const giveBackSql = `UPDATE ${schemaName}.partitions AS p SET clean = true, owner = ''
  FROM unnest($1::int4[], $2::int8[]) AS g(partition, epoch)
  WHERE p.partition = g.partition AND p.epoch = g.epoch`
