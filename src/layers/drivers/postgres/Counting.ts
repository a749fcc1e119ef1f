/**
 * Counting of a database's connections: how long statements wait for one and for their answers.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { databaseCounts, PoolCounts } from "../../observe/DatabaseCounts.ts"
import { type DatabaseFailed, isOutage } from "./Failure.ts"

/** What is counted. */
export interface CountingOptions {
  readonly purpose: string
  readonly connectionsMax: number
  /** How long a connection stays open without use. */
  readonly idleTimeout: Duration.Duration
  readonly circuit: PoolCounts["circuit"]
}

/** Counts what happens to statements. */
export interface Counting {
  /** Counts a statement that is sent over a connection. */
  readonly statement: <A>(
    name: string,
    connection: number,
    sent: Effect.Effect<A, DatabaseFailed>
  ) => Effect.Effect<A, DatabaseFailed>
  /** Counts a wait for a connection, which ends when `begin` is called. */
  readonly waiting: <A, E>(
    use: (begin: () => void) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E>
}

/** The counting of one pool of connections. */
export const make = Effect.fnUntraced(function*(options: CountingOptions) {
  const counts = yield* databaseCounts
  const { circuit, connectionsMax, idleTimeout, purpose } = options
  const pool = new PoolCounts(connectionsMax, Duration.toMillis(idleTimeout), circuit)
  yield* Effect.acquireRelease(
    Effect.sync(() => counts.pools.set(purpose, pool)),
    () => Effect.sync(() => counts.pools.delete(purpose))
  )

  const counting: Counting = {
    statement: (name, connection, sent) =>
      Effect.suspend(() => {
        const sentAt = performance.now()
        pool.use(connection, sentAt)
        pool.underWay++
        return Effect.onExit(sent, (exit) =>
          Effect.sync(() => {
            pool.underWay--
            counts.statement(name).add(performance.now() - sentAt)
            const failure = Exit.findErrorOption(exit)
            if (Option.isNone(failure)) return
            counts.failed(failure.value.reason)
            if (isOutage(failure.value)) pool.close(connection)
          }))
      }),
    waiting: (use) =>
      Effect.suspend(() => {
        const askedAt = performance.now()
        let isWaiting = true // Until it has a connection, or gives up.
        pool.waiting++
        const begin = (): void => {
          if (!isWaiting) return
          isWaiting = false
          pool.waiting--
          pool.waits.add(performance.now() - askedAt)
        }
        return Effect.ensuring(use(begin), Effect.sync(begin))
      })
  }
  return counting
})
