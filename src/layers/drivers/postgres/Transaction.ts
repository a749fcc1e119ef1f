/**
 * Several statements as one, over a connection of their own.
 */
import * as Effect from "effect/Effect"
import type { Querying } from "./Database.ts"
import type { DatabaseFailed } from "./Failure.ts"

/**
 * Runs `body` between BEGIN and COMMIT on a reserved connection: all of it or nothing. When `body`
 * fails or is interrupted, everything is rolled back; the server ends it by itself when the
 * connection is lost or nothing comes for 5 s.
 */
export const transaction = <A, E, R>(
  connection: Querying,
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, DatabaseFailed | E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      yield* connection.query("begin", "BEGIN")
      const result = yield* Effect.onError(restore(body), () =>
        Effect.ignore(connection.query("rollback", "ROLLBACK")))
      yield* connection.query("commit", "COMMIT")
      return result
    })
  )
