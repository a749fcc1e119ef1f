/**
 * What a server of PostgreSQL is asked while messages are published, delivered, retried, delayed
 * and settled: the hot path of the log.
 */
import { Effect } from "effect"
import { open } from "../../../../src/CodeFactory.ts"
import type { Server } from "../../../servers/Postgres.ts"

/** Messages of the work: enough for many partitions. */
const messages = 60

/** Long enough for progress to be stored, and for notes that it covers to be forgotten. */
const settling = "2 seconds"

/** What a server logs during such work on the database at an address, once it is open. */
export const saidDuring = (server: Server, databaseUrl: string): Effect.Effect<string> =>
  Effect.gen(function*() {
    const bus = yield* Effect.promise(() => open({ databaseUrl }))
    const attempts = new Map<unknown, number>()
    yield* Effect.promise(() =>
      bus.handle("all", "orders.>", (payload) => {
        const attempt = (attempts.get(payload) ?? 0) + 1
        attempts.set(payload, attempt)
        if (payload === 0 && attempt === 1) throw new Error("not yet")
      })
    )
    const before = server.said().length
    yield* Effect.promise(() =>
      Promise.all(Array.from({ length: messages }, (_, at) =>
        bus.publish("orders.paid", at, {
          key: `k${at}`,
          idempotencyKey: `i${at}`,
          ...at % 10 === 1 ? { delay: "500 millis" } : {}
        })))
    )
    yield* Effect.sleep(settling)
    const said = server.said().slice(before)
    yield* Effect.promise(() => bus.close())
    return said
  })

/** The entries of such a log that begin with a sign, without it. */
export const entriesOf = (said: string, sign: RegExp): ReadonlyArray<string> =>
  said.split(/^\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] /m).flatMap((entry) => {
    const found = sign.exec(entry)
    return found?.index === 0 ? [entry.slice(found[0].length).trim()] : []
  })
