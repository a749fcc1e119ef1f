/**
 * The connections to one PostgreSQL database, and statements by name over them.
 *
 * Statements of many fibres share connections (pipelined), so that one that waits for a commit does
 * not need a connection of its own. Every wait has a limit; a statement that outlives its own is
 * treated as one of unknown outcome, and its connection is closed.
 */
import type { PgConnection } from "@effect/sql-pg/PgConnection"
import * as PgPool from "@effect/sql-pg/PgPool"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { CircuitPolicy } from "../../../domain/Circuit.ts"
import * as CircuitBreaker from "../circuit/CircuitBreaker.ts"
import * as Counting from "./Counting.ts"
import { DatabaseFailed, failureOf, isOutage, unsent } from "./Failure.ts"

/** How a database is reached and how long it may take. */
export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full`. */
  readonly url: Redacted.Redacted
  /** What its connections are for, in metrics. */
  readonly purpose: string
  readonly connectionsMax: number
  /** Longest wait for a connection. */
  readonly acquireTimeout: Duration.Duration
  /** Connections older than this are replaced. */
  readonly connectionAgeMax: Duration.Duration
  /** Longest time of one statement on the server. */
  readonly statementTimeout: Duration.Duration
  /** Whether a commit waits until it is on disk; hand-outs need not. */
  readonly isSynchronous: boolean
  readonly circuit: CircuitPolicy
}

/**
 * The log itself stands behind this breaker, so that it tries again soon: whoever waits for longer
 * than 5 s is not served. Source: design, P9.
 */
export const circuitPolicy: CircuitPolicy = {
  failuresMax: 5,
  openFor: Duration.seconds(2),
  successesNeeded: 1
}

/** What is added to a statement's limit before its connection counts as dead. */
const answerGrace = Duration.seconds(5)

/** A row, by position. */
export type Row = ReadonlyArray<unknown>

/** Statements over a connection. `name` is for errors and metrics. */
export interface Querying {
  readonly query: (
    name: string,
    sql: string,
    parameters?: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<Row>, DatabaseFailed>
}

/** A statement and what goes with it. */
export interface Statement {
  readonly sql: string
  readonly parameters: ReadonlyArray<unknown>
}

/** Statements over a connection, also several that are carried out together. */
export interface Transacting extends Querying {
  /**
   * These statements as one transaction, over a connection that nobody else has meanwhile; the
   * rows of each. All are carried out or none.
   */
  readonly transaction: (
    name: string,
    statements: ReadonlyArray<Statement>
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<Row>>, DatabaseFailed>
}

/** The database. */
export class Database extends Context.Service<
  Database,
  Transacting & {
    /** A connection for one fibre alone, until the scope closes: for transactions and locks. */
    readonly reserve: Effect.Effect<
      Querying & {
        /** What the other side called its process when it was opened. */
        readonly processId: number
      },
      DatabaseFailed,
      Scope.Scope
    >
    readonly circuit: () => "Closed" | "Open" | "HalfOpen"
  }
>()("codefactory/layers/drivers/postgres/Database") {}

/** Opens a pool; connections are made when they are needed, so this cannot fail. */
export const make = Effect.fnUntraced(function*(options: DatabaseOptions) {
  const pool = yield* Effect.orDie(PgPool.make(poolConfig(options)))
  const breaker = yield* CircuitBreaker.make("PostgreSQL", options.circuit)
  const counting = yield* Counting.make({ ...options, idleTimeout, circuit: breaker.state })
  const answerTimeout = Duration.sum(options.statementTimeout, answerGrace)

  const counted = <A>(
    name: string,
    connection: PgConnection,
    asked: Effect.Effect<A, SqlError>
  ): Effect.Effect<A, DatabaseFailed> =>
    counting.statement(
      name,
      connection.processId,
      asked.pipe(
        Effect.mapError((error) => failureOf(name, error)),
        Effect.timeoutOrElse({
          duration: answerTimeout,
          orElse: () => Effect.andThen(pool.invalidate(connection), Effect.fail(silent(name)))
        })
      )
    )

  const run = (name: string, connection: PgConnection, sql: string, parameters: Row) =>
    counted(name, connection, connection.queryValues(sql, parameters))

  /** Results inside, so that a failure to get a connection is told from one of the statement. */
  const limited = <A>(
    name: string,
    asked: (begin: () => void) => Effect.Effect<Result.Result<A, DatabaseFailed>, SqlError>
  ): Effect.Effect<A, DatabaseFailed> =>
    breaker.protect(
      counting.waiting(asked).pipe(
        Effect.mapError((error) => unsent(name, error)),
        Effect.timeoutOrElse({
          duration: Duration.sum(options.acquireTimeout, answerTimeout),
          orElse: () => Effect.fail(silent(name))
        }),
        Effect.flatMap(Effect.fromResult)
      ),
      isOutage
    ).pipe(Effect.catchTag("CircuitOpen", (open) => Effect.fail(refusedBy(name, open))))

  return Database.of({
    query: (name, sql, parameters = []) =>
      limited(name, (begin) =>
        pool.use((connection) => {
          begin()
          return Effect.result(run(name, connection, sql, parameters))
        })),
    transaction: (name, statements) =>
      limited(name, (begin) =>
        Effect.scoped(Effect.flatMap(pool.reserve, (connection) => {
          begin()
          return Effect.result(counted(name, connection, together(pool, connection, statements)))
        }))),
    reserve: Effect.map(
      Effect.mapError(pool.reserve, (error) => unsent("connect", error)),
      (connection) => ({
        processId: connection.processId,
        query: (name, sql, parameters = []) => run(name, connection, sql, parameters)
      })
    ),
    circuit: breaker.state
  })
})

/** A connection whose transaction was not ended is closed, which undoes it. */
const together = (
  pool: PgPool.PgPool,
  connection: PgConnection,
  statements: ReadonlyArray<Statement>
): Effect.Effect<ReadonlyArray<ReadonlyArray<Row>>, SqlError> =>
  Effect.gen(function*() {
    yield* connection.queryValues("BEGIN")
    const rows = yield* Effect.result(
      Effect.forEach(statements, ({ parameters, sql }) => connection.queryValues(sql, parameters))
    )
    if (Result.isSuccess(rows)) yield* connection.queryValues("COMMIT")
    else yield* Effect.ignore(connection.queryValues("ROLLBACK"))
    return yield* Effect.fromResult(rows)
  }).pipe(Effect.onInterrupt(() => pool.invalidate(connection)))

/** The database as a layer. */
export const layer = (options: DatabaseOptions): Layer.Layer<Database> =>
  Layer.effect(Database, make(options))

const silent = (statement: string): DatabaseFailed =>
  new DatabaseFailed({ reason: "Unknown", statement, detail: "no answer in time" })

const refusedBy = (statement: string, open: CircuitBreaker.CircuitOpen): DatabaseFailed =>
  new DatabaseFailed({ reason: "Unsent", statement, detail: open.message })

/** Largest reply in bytes: a block of the largest batch, with its neighbours. */
const replyBytesMax = 64 * 1_048_576

/** How long a connection stays without work, so that an idle pod holds few. */
const idleTimeout = Duration.seconds(60)

/** How long an idle transaction may hold what it has locked. */
const idleInTransactionMax = Duration.seconds(5)

/** Silence after which the way to the server is probed. */
const keepAlive = Duration.seconds(10)

const milliseconds = (duration: Duration.Duration): string => String(Duration.toMillis(duration))

const poolConfig = (options: DatabaseOptions): PgPool.Config => ({
  url: options.url,
  applicationName: "codefactory",
  multiplex: true,
  maxConnections: options.connectionsMax,
  connectionTTL: options.connectionAgeMax,
  connectTimeout: options.acquireTimeout,
  idleTimeout,
  keepAlive,
  maxMessageSize: replyBytesMax,
  startupParameters: {
    statement_timeout: milliseconds(options.statementTimeout),
    idle_in_transaction_session_timeout: milliseconds(idleInTransactionMax),
    synchronous_commit: options.isSynchronous ? "on" : "off"
  }
})
