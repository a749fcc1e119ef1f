import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Schedule } from "effect"
import { SessionName } from "../../../src/domain/Session.ts"
import * as Redis from "../../../src/layers/drivers/redis/Redis.ts"
import * as RedisSessions from "../../../src/layers/sessions/RedisSessions.ts"
import { Sessions } from "../../../src/services/Sessions.ts"
import { sessionsContract } from "../../contracts/SessionsContract.ts"
import { redisServer } from "../../servers/Redises.ts"
import { redisOptions } from "../drivers/redis/TestRedis.ts"

const server = redisServer()

/** Sessions of a new process. */
const sessionsAt = (url: string) =>
  Layer.fresh(Layer.orDie(Layer.provide(RedisSessions.layer, Redis.layer(redisOptions(url)))))

sessionsContract(
  "RedisSessions",
  Effect.map(server, ({ cli, url }) => ({
    sessions: sessionsAt(url),
    pass: (ms) =>
      Effect.sync(() => {
        for (const key of cli("KEYS", "test:session:*").split("\n")) {
          cli("PEXPIRE", key, String(Number(cli("PTTL", key)) - ms))
        }
      })
  }))
)

const name = SessionName.make("chat/42")

const retrying = { times: 3, schedule: Schedule.spaced("300 millis") }

it.live("what somebody else wrote is set aside, and the session begins anew", () =>
  Effect.gen(function*() {
    const { cli, url } = yield* server
    yield* Effect.provide(
      Sessions.use((sessions) =>
        Effect.gen(function*() {
          for (const planted of [["SET", "mine"], ["RPUSH", "mine"]]) {
            const [command = "", value = ""] = planted
            cli(command, "test:session:{chat/42}", value)
            assert.isTrue(Option.isNone(yield* sessions.read(name)))
          }
          yield* sessions.write({ name, value: "1", ttlMs: 1_000, version: 0 })
        })
      ),
      sessionsAt(url)
    )
  }))

it.live("F2: without Redis they cannot be had, and then they are there again", () =>
  Effect.gen(function*() {
    const { kill, start, url } = yield* server
    yield* Effect.provide(
      Sessions.use((sessions) =>
        Effect.gen(function*() {
          yield* sessions.write({ name, value: "1", ttlMs: 60_000 })
          yield* kill
          const refused = yield* Effect.flip(sessions.read(name))
          assert.strictEqual(refused._tag, "SessionsUnavailable")
          yield* start
          const found = yield* Effect.retry(sessions.read(name), retrying)
          assert.strictEqual(Option.getOrThrow(found).value, "1")
        })
      ),
      sessionsAt(url)
    )
  }))
