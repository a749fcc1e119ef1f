import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import * as PostgresLog from "../../../../src/layers/log/postgres/PostgresLog.ts"
import type { Durability } from "../../../../src/services/MessageLog.ts"
import { MessageLog } from "../../../../src/services/MessageLog.ts"
import { append } from "../../../contracts/Append.ts"
import { entryOf, everything, payloadsOf } from "../../../contracts/LogSamples.ts"
import { databases, run } from "../../../servers/Databases.ts"
import { postgres } from "../../../servers/Postgres.ts"
import { proxy } from "../../../servers/Proxy.ts"
import { logOptions } from "./TestLog.ts"

const { newDatabase, server } = databases()

const logAt = (url: string, durabilityRequired?: Durability) =>
  PostgresLog.layer({
    ...logOptions(url),
    durabilityRequired
  })

const withLog = <A, E>(
  url: string,
  use: (log: MessageLog["Service"]) => Effect.Effect<A, E>,
  required?: Durability
) => Effect.provide(MessageLog.use(use), logAt(url, required))

/** Why the log at an address is not opened. */
const refusalOf = (url: string, required?: Durability) =>
  Effect.flip(withLog(url, () => Effect.void, required))

/** A pooler numbers sessions by itself: the message `K` brings the number and a secret. */
const renumbered = (said: Buffer): Buffer => {
  const at = said.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
  if (at >= 0) said.writeUInt32BE(7, at + 5)
  return said
}

describe("a shared log that cannot be opened says why", () => {
  it.live("an address where nobody listens, a database and a user that are not there", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      const wrong = [
        "postgres://postgres@127.0.0.1:1/bus",
        `${url}_that_is_not_there`,
        url.replace("postgres@", "somebody@")
      ]
      const details = yield* Effect.forEach(wrong, (one) => Effect.map(refusalOf(one), String))
      assert.include(details[0], "ECONNREFUSED")
      assert.include(details[1], "_that_is_not_there\" does not exist (SQLSTATE 3D000)")
      assert.include(details[2], "\"somebody\" does not exist (SQLSTATE 28000)")
    }))

  it.live("a connection pooler before it, by the number of its session or its own refusal", () =>
    Effect.scoped(Effect.gen(function*() {
      const url = yield* newDatabase
      const { port } = yield* server
      const pooler = yield* proxy(port, () => ({ change: renumbered }))
      const { message } = yield* refusalOf(url.replace(`:${port}/`, `:${pooler.port}/`))
      assert.include(message, "there is a connection pooler before PostgreSQL (session 7 is ")
      assert.include(message, "give the address of PostgreSQL itself")
    })))

  it.live("another number of partitions than this program has", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      yield* withLog(url, () => Effect.void)
      yield* run(url, "UPDATE codefactory.settings SET value = 32 WHERE key = 'partitions'")
      const { message } = yield* refusalOf(url)
      assert.include(message, "it has 32 partitions, and this program 64")
    }))

  it.live("a durability that the server does not reach", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      assert.include((yield* refusalOf(url, "replicated")).message, "no synchronous standby")
      yield* withLog(url, ({ durability }) =>
        Effect.sync(() => assert.strictEqual(durability, "local")), "local")
    }))

  it.live("a server that does not sync", () =>
    Effect.scoped(Effect.gen(function*() {
      const { url } = yield* Effect.orDie(postgres({ fsync: "off" }))
      assert.include((yield* refusalOf(url())).message, "fsync off")
    })))

  it.live("a schema of a newer version, and a table that was changed", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      yield* withLog(url, () => Effect.void)
      yield* run(url, "INSERT INTO codefactory.migrations VALUES (99, 'later', now())")
      assert.deepInclude(yield* refusalOf(url), { reason: "Newer" })
      yield* run(url, "DELETE FROM codefactory.migrations WHERE id = 99")
      yield* run(url, "DELETE FROM codefactory.partitions WHERE partition = 7")
      assert.deepInclude(yield* refusalOf(url), { reason: "Damaged" })
      yield* run(url, "DROP TABLE codefactory.partitions")
      assert.include((yield* refusalOf(url)).message, "\"codefactory.partitions\" does not exist")
    }))
})

describe("a shared log", () => {
  it.live("that shall be distributed over Citus works without it, and warns once", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      const said: Array<unknown> = []
      const logger = Logger.make(({ logLevel, message }) => {
        if (logLevel === "Warn") said.push(message)
      })
      yield* MessageLog.use((log) => append(log, [entryOf()])).pipe(
        Effect.provide(PostgresLog.layer({ ...logOptions(url), citus: true })),
        Effect.provide(Logger.layer([logger]))
      )
      assert.lengthOf(said, 1)
      assert.include(
        String(said[0]),
        "ENABLE_CITUS is 1 and the server of DATABASE_URL has no Citus"
      )
    }))

  it.live("is taken over by whoever opens it last, and the one before stores nothing more", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      yield* withLog(url, (first) =>
        Effect.gen(function*() {
          yield* append(first, [entryOf({ payload: "1" })])
          yield* withLog(url, (second) =>
            Effect.gen(function*() {
              const late = yield* Effect.flip(append(first, [entryOf({ payload: "2" })]))
              assert.strictEqual(late.reason, "Fenced")
              assert.strictEqual(
                (yield* Effect.flip(first.commit({ leases: [] }))).reason,
                "Fenced"
              )
              yield* append(second, [entryOf({ payload: "3" })])
              const { entries } = yield* second.scan(everything(1))
              assert.deepStrictEqual(payloadsOf(entries), ["1", "3"])
              assert.deepStrictEqual(entries.map(({ offset }) => offset), [0, 1])
            }))
        }))
      // The one that was taken over says nothing about how the log was left.
      yield* withLog(
        url,
        ({ recovered }) =>
          Effect.sync(() => assert.deepStrictEqual([recovered.clean, recovered.epoch], [true, 3]))
      )
    }))

  it.live("sets a damaged row or block aside and serves the rest", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      yield* withLog(url, (log) =>
        Effect.gen(function*() {
          for (const payload of ["1", "2", "3"]) yield* append(log, [entryOf({ payload })])
        }))
      yield* run(
        url,
        "UPDATE codefactory.blocks SET header = set_byte(header, 30, 255) WHERE seq = 2"
      )
      yield* withLog(url, (log) =>
        Effect.gen(function*() {
          assert.lengthOf(log.recovered.damaged, 1)
          const { damaged, entries } = yield* log.scan(everything(1))
          assert.deepStrictEqual([payloadsOf(entries), damaged], [["1", "3"], [1]])
        }))
      yield* withLog(url, ({ recovered }) =>
        Effect.sync(() => assert.deepStrictEqual(recovered.damaged, [])))
    }))
})
