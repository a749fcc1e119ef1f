import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted, Schedule } from "effect"
import { circuitPolicy, make } from "../../../../src/layers/drivers/postgres/Database.ts"
import { blockRows } from "../../../../src/layers/log/postgres/BlockRows.ts"
import * as PostgresLog from "../../../../src/layers/log/postgres/PostgresLog.ts"
import { DatabaseCounts, databaseCounts } from "../../../../src/layers/observe/DatabaseCounts.ts"
import { MessageLog } from "../../../../src/services/MessageLog.ts"
import { append } from "../../../contracts/Append.ts"
import { entryOf, everything, letterOf, payloadsOf } from "../../../contracts/LogSamples.ts"
import { databases, run } from "../../../servers/Databases.ts"
import type { Server } from "../../../servers/Postgres.ts"
import { logOptions } from "./TestLog.ts"

const { newDatabase, server } = databases()

const lagMs = 2_000

/** A log that reads from these, and its counts. */
const withLog = <A, E, R>(
  url: string,
  replicas: ReadonlyArray<string>,
  use: (log: MessageLog["Service"], counts: DatabaseCounts) => Effect.Effect<A, E, R>
) => {
  const counts = new DatabaseCounts()
  return MessageLog.use((log) => use(log, counts)).pipe(
    Effect.provide(PostgresLog.layer({
      ...logOptions(url),
      replicas: { urls: replicas.map((one) => Redacted.make(one)), lagMax: Duration.millis(lagMs) }
    })),
    Effect.provideService(databaseCounts, counts)
  )
}

const eventually = (what: string, holds: () => boolean) =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry({ times: 400, schedule: Schedule.spaced("50 millis") }),
    Effect.catch(() => Effect.die(new Error(`${what} did not happen within 20 s`)))
  )

const isAsked = ({ replicaLags }: DatabaseCounts): boolean => {
  const [lag] = replicaLags()
  return lag !== undefined && lag <= lagMs
}

const letters = (log: MessageLog["Service"], asOf: "Now" | "Lately") =>
  Effect.map(log.deadLetters({}, 0, 100, asOf), (found) => found.map(({ id }) => id))

const on = ({ url }: Server, address: string): string => url(new URL(address).pathname.slice(1))

describe("read replicas", () => {
  it.live(
    "answer what may be old; one that lags, is away or is none is passed over",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const standby = yield* (yield* server).standby
        yield* withLog(url, [on(standby, url)], (log, counts) =>
          Effect.gen(function*() {
            yield* log.commit({ deadLetters: [letterOf(1, 1)] })
            yield* append(log, [entryOf({ payload: "1" })])
            assert.deepStrictEqual(yield* letters(log, "Now"), [1])
            assert.strictEqual(counts.replicaReads, 0)
            yield* eventually("a replica that is asked", () => isAsked(counts))
            yield* Effect.retry(
              Effect.filterOrFail(letters(log, "Lately"), (ids) => ids.length === 1),
              { times: 100, schedule: Schedule.spaced("50 millis") }
            )
            assert.isAbove(counts.replicaReads, 0)
            assert.strictEqual(counts.replicaFallbacks, 0)

            // It stands still: what it does not have comes from the primary once it is too old.
            yield* run(standby.url(), "SELECT pg_wal_replay_pause()")
            yield* log.commit({ deadLetters: [letterOf(2, 1)] })
            assert.deepStrictEqual(yield* letters(log, "Now"), [1, 2])
            yield* eventually("a replica that is too old", () => !isAsked(counts))
            assert.deepStrictEqual(yield* letters(log, "Lately"), [1, 2])
            assert.isAbove(counts.replicaFallbacks, 0)
            yield* run(standby.url(), "SELECT pg_wal_replay_resume()")
            yield* eventually("a replica that is asked again", () => isAsked(counts))

            yield* standby.stop("immediate")
            assert.deepStrictEqual(yield* letters(log, "Lately"), [1, 2])
            yield* standby.start
            yield* eventually("a replica that is back", () => isAsked(counts))

            yield* run(standby.url(), "SELECT pg_promote()")
            yield* eventually("a replica that is none any more", () => !isAsked(counts))
            assert.deepStrictEqual(yield* letters(log, "Lately"), [1, 2])
          }))
      })),
    60_000
  )

  it.live(
    "have old messages, and the primary those that they have not yet",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const standby = yield* (yield* server).standby
        const payloads = Array.from({ length: 20 }, (_, n) => String(n))
        yield* withLog(url, [], (log) =>
          Effect.forEach(payloads, (payload) =>
            append(log, [entryOf({ payload })])))
        // Opened anew, so that nothing of it is in memory.
        yield* withLog(url, [on(standby, url)], (log, counts) =>
          Effect.gen(function*() {
            yield* eventually("a replica that is asked", () =>
              isAsked(counts))
            const before = counts.replicaReads
            const scanned = yield* log.scan(everything(1))
            assert.deepStrictEqual(payloadsOf(scanned.entries), payloads)
            assert.isAbove(counts.replicaReads, before)
            assert.strictEqual(counts.replicaFallbacks, 0)
          }))
        const primary = yield* make({
          url: Redacted.make(url),
          purpose: "tests",
          connectionsMax: 1,
          acquireTimeout: Duration.seconds(5),
          connectionAgeMax: Duration.hours(1),
          statementTimeout: Duration.seconds(5),
          isSynchronous: true,
          circuit: circuitPolicy
        })
        const lagging = { query: () => Effect.succeed([]) }
        const { blocks } = yield* blockRows(primary, lagging, 0).readBlocks([1, 2])
        assert.deepStrictEqual(blocks.map(({ seq }) => seq), [1, 2])
      })),
    60_000
  )
})
