/**
 * The shared log: in PostgreSQL, a block log for each partition.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { allPartitions } from "../../../domain/Position.ts"
import { LogPartitions } from "../../../services/LogPartitions.ts"
import { type LogUnavailable, type LogUnopened, MessageLog } from "../../../services/MessageLog.ts"
import * as PartitionedLog from "../PartitionedLog.ts"
import { connect, type Connection, type PostgresLogOptions } from "./Connection.ts"
import { unavailable, unopened } from "./Failures.ts"
import * as Holdings from "./Holdings.ts"
import { allRecovered, noneRecovered } from "./Recovered.ts"
import { commitSubscriptions, readSubscriptions, takeIncarnation } from "./SubscriptionRows.ts"

export { migrating, type PostgresLogOptions } from "./Connection.ts"

/** The log of all partitions, taken over from whoever had them. */
export const layer = (options: PostgresLogOptions): Layer.Layer<MessageLog, LogUnopened> =>
  Layer.effect(
    MessageLog,
    Effect.gen(function*() {
      const connection = yield* connect(options)
      const holdings = yield* Holdings.make(connection, options)
      const { open, opened, recovered } = yield* holdings.take(allPartitions)
      open()
      return logOf(connection, holdings, allRecovered(opened, [...recovered.values()]))
    }).pipe(Effect.catchTag("DatabaseFailed", (failure) => Effect.fail(unopened(failure))))
  )

/** The log of the partitions that this process takes over, none at first. */
export const layerShared = (
  options: PostgresLogOptions
): Layer.Layer<LogPartitions | MessageLog, LogUnopened> =>
  Layer.effectContext(
    Effect.gen(function*() {
      const connection = yield* connect(options)
      const holdings = yield* Holdings.make(connection, options)
      const { nextIncarnation, subscriptions } = yield* readSubscriptions(connection.database)
      const log = logOf(connection, holdings, noneRecovered({ nextIncarnation, subscriptions }))
      const partitions = LogPartitions.of({
        take: (partitions) =>
          holdings.take(partitions).pipe(
            Effect.map(({ open, opened, recovered }) => ({
              subscriptions: opened.subscriptions,
              parts: recovered,
              open
            })),
            Effect.catchTag("DatabaseFailed", (failure) => Effect.fail(unavailable(failure)))
          ),
        giveBack: (partitions) => holdings.giveBack(partitions),
        subscriptions: Effect.mapBoth(readSubscriptions(connection.database), {
          onFailure: unavailable,
          onSuccess: ({ subscriptions }) => subscriptions
        }),
        alone: (effect) => alone(connection.database, effect),
        nextIncarnation: Effect.mapError(takeIncarnation(connection.database), unavailable)
      })
      return Context.make(MessageLog, log).pipe(Context.add(LogPartitions, partitions))
    }).pipe(Effect.catchTag("DatabaseFailed", (failure) => Effect.fail(unopened(failure))))
  )

const logOf = (
  { database, durability, journal, listings }: Connection,
  { logs }: Holdings.Holdings,
  recovered: MessageLog["Service"]["recovered"]
): MessageLog["Service"] =>
  PartitionedLog.make({
    durability,
    recovered,
    logs,
    commitSubscriptions: (changes) =>
      Effect.mapError(commitSubscriptions(database, changes), unavailable),
    journal,
    listings
  })

/** Under a lock of a session, which ends with it. */
const alone = <A, E>(
  database: Connection["database"],
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E | LogUnavailable> =>
  Effect.scoped(Effect.gen(function*() {
    yield* Effect.mapError(
      Effect.acquireRelease(
        Effect.flatMap(database.reserve, ({ query }) =>
          Effect.as(query("subscriptions.lock", lockSql), query)),
        (query) =>
          Effect.ignore(query("subscriptions.unlock", unlockSql))
      ),
      unavailable
    )
    return yield* effect
  }))

/** Two numbers that nobody else uses: "cfb" and "subs" in ASCII. */
const lockSql = "SELECT pg_advisory_lock(6514274, 1937072755)"

const unlockSql = "SELECT pg_advisory_unlock(6514274, 1937072755)"
