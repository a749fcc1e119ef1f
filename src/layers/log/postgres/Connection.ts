/**
 * What every part of a shared log needs of its database: the connections, who commits, who keeps
 * the notes of hand-outs, and the partitions that this process has.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { partitionCount } from "../../../domain/Position.ts"
import { type Durability, LogUnopened } from "../../../services/MessageLog.ts"
import * as Database from "../../drivers/postgres/Database.ts"
import type { Querying } from "../../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import * as Replicas from "../../drivers/postgres/Replicas.ts"
import { type DatabaseCounts, databaseCounts } from "../../observe/DatabaseCounts.ts"
import type { AttemptsJournal } from "../LogStore.ts"
import * as Committer from "./Committer.ts"
import * as Distribution from "./Distribution.ts"
import { durabilityOf } from "./Durability.ts"
import { unopened } from "./Failures.ts"
import * as Journal from "./Journal.ts"
import * as Listings from "./Listings.ts"
import { migrate, planned } from "./Migrations.ts"
import { type Migration, schemaName } from "./Schema.ts"
import * as Storing from "./Storing.ts"
import * as TakeRows from "./TakeRows.ts"

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
  /** Standbys that may be asked for what is not new, and how far behind they may be. */
  readonly replicas?: {
    readonly urls: ReadonlyArray<Redacted.Redacted>
    readonly lagMax: Duration.Duration
  }
  /** Distribute the tables over Citus, where the server has it. */
  readonly citus?: boolean
  /** Refuse to open a log whose commits reach less. */
  readonly durabilityRequired?: Durability | undefined
  /** How long idempotency keys are remembered, and how many. */
  readonly claimsFor: Duration.Duration
  readonly claimsMax?: number
}

/** The connection of one log. */
export interface Connection {
  readonly database: Database.Database["Service"]
  readonly committer: Committer.Committer
  readonly durability: Durability
  readonly journal: AttemptsJournal
  readonly listings: Listings.Listings
  readonly counts: DatabaseCounts
  /** Answers what may be a little old; the database itself where there are no replicas. */
  readonly replicas: Querying
  /** By partition that this process has: the epoch under which. */
  readonly epochs: Map<number, number>
}

/** Longest time of a statement of the log on the server. */
const statementTimeout = Duration.seconds(30)

/** Longest time of a step of a migration: indexes of large tables take their time. */
const migrationTimeout = Duration.hours(1)

/** Migrates the database if need be, and connects to it until the scope closes. */
export const connect = (
  options: PostgresLogOptions
): Effect.Effect<Connection, DatabaseFailed | LogUnopened, Scope.Scope> =>
  Effect.gen(function*() {
    yield* announce(yield* migrating(options, "run"))
    const database = yield* Database.make({ ...connecting(options), purpose: "log" })
    const noting = yield* Database.make({
      ...connecting(options),
      purpose: "hand-outs",
      connectionsMax: 1,
      isSynchronous: false
    })
    yield* refuseOtherCount(database)
    const epochs = new Map<number, number>()
    const replicas = yield* replicasOf(database, options)
    // Whatever the settings say: another pod may have distributed them.
    const isDistributed = yield* Distribution.isDistributed(database)
    const { storing, taking } = isDistributed
      ? { storing: Storing.byPartition, taking: TakeRows.byPartition }
      : { storing: Storing.together, taking: TakeRows.together }
    return {
      database,
      epochs,
      replicas,
      counts: yield* databaseCounts,
      durability: yield* durabilityOf(database, isDistributed, options.durabilityRequired),
      committer: yield* Committer.make(database, storing(database), options.retrying),
      journal: yield* Journal.make(taking(noting), epochs),
      listings: Listings.make(database, replicas, () => epochs.keys())
    }
  })

const replicasOf = (
  database: Querying,
  options: PostgresLogOptions
): Effect.Effect<Querying, never, Scope.Scope> =>
  options.replicas === undefined || options.replicas.urls.length === 0
    ? Effect.succeed(database)
    : Replicas.make(database, {
      lagMax: options.replicas.lagMax,
      identitySql: `SELECT value FROM ${schemaName}.settings WHERE key = 'identity'`,
      replicas: options.replicas.urls.map((url, at) => ({
        ...connecting(options),
        url,
        purpose: `replica ${at + 1}`
      }))
    })

const connecting = (
  options: Omit<PostgresLogOptions, "claimsFor">
): Omit<Database.DatabaseOptions, "purpose"> => ({
  ...options,
  statementTimeout,
  isSynchronous: true,
  circuit: Database.circuitPolicy
})

/** What bringing a database up to date comes to. */
export interface Migrated {
  readonly migrations: ReadonlyArray<Migration>
  /** How it stands to Citus, if that was asked. */
  readonly distribution: Distribution.Distribution | undefined
}

const announce = ({ distribution, migrations }: Migrated): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (const { id, name } of migrations) {
      yield* Effect.logInfo(`migrated the database: ${id} ${name}`)
    }
    if (distribution === "Made") yield* Effect.logInfo("distributed the tables over Citus")
    if (distribution === "Absent") {
      yield* Effect.logWarning(
        "ENABLE_CITUS is 1 and the server of DATABASE_URL has no Citus: the tables are not " +
          "distributed; install it and name it in shared_preload_libraries, or set ENABLE_CITUS=0"
      )
    }
  })

/** What is run or would be, over connections of its own, which close when it is done. */
export const migrating = (
  options: Omit<PostgresLogOptions, "claimsFor">,
  what: "plan" | "run"
): Effect.Effect<Migrated, LogUnopened> =>
  Effect.scoped(Effect.gen(function*() {
    const database = yield* Database.make({
      ...connecting(options),
      purpose: "migrations",
      connectionsMax: 1,
      statementTimeout: migrationTimeout
    })
    yield* Effect.scoped(refusePooler(database))
    const steps = what === "plan" ? planned() : migrate()
    const migrations = yield* Effect.provideService(steps, Database.Database, database)
    const placed = what === "plan" ? Distribution.standing : Distribution.distribute
    return {
      migrations,
      distribution: options.citus === true ? yield* placed(database) : undefined
    }
  })).pipe(Effect.catchTags({
    DatabaseFailed: (failure) =>
      Effect.fail(
        failure.detail.startsWith("unsupported startup parameter")
          ? pooled(failure.detail)
          : unopened(failure)
      ),
    SchemaNewer: ({ message }) =>
      Effect.fail(new LogUnopened({ reason: "Newer", path: "DATABASE_URL", detail: message }))
  }))

/**
 * A pooler lets statements of one session run in several of the server. Then locks, prepared
 * statements and time limits are not where they are looked for. It numbers sessions by itself, so
 * the number that was told when the connection was opened is not that of the server.
 */
const refusePooler = Effect.fnUntraced(function*(database: Database.Database["Service"]) {
  const { processId, query } = yield* database.reserve
  const [row] = yield* query("connect.session", "SELECT pg_backend_pid()")
  if (Number(row?.[0]) !== processId) {
    return yield* pooled(`session ${processId} is ${String(row?.[0])} at the server`)
  }
})

/** Where a message belongs follows from how many partitions there are, for all pods alike. */
const refuseOtherCount = Effect.fnUntraced(function*(database: Querying) {
  const [row] = yield* database.query(
    "connect.partitions",
    `SELECT value FROM ${schemaName}.settings WHERE key = 'partitions'`
  )
  const count = Number(row?.[0])
  if (count !== partitionCount) {
    return yield* new LogUnopened({
      reason: "Damaged",
      path: "DATABASE_URL",
      detail: `it has ${count} partitions, and this program ${partitionCount}; ` +
        "use the program that made it, or another database"
    })
  }
})

/** PgBouncer, and those like it. */
const pooled = (sign: string): LogUnopened =>
  new LogUnopened({
    reason: "Io",
    path: "DATABASE_URL",
    detail: `there is a connection pooler before PostgreSQL (${sign}); ` +
      "give the address of PostgreSQL itself: this program keeps few connections, and needs them"
  })
