import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  LeaseHeld,
  open,
  RedisUnopened,
  SessionConflict,
  SessionInvalid
} from "../../../src/CodeFactory.ts"
import { redisServer } from "../../servers/Redises.ts"

const server = redisServer()

/** What a promise rejects with. */
const rejection = (promise: Promise<unknown>) => promise.then(() => undefined, (error) => error)

describe("programs that embed the bus and share a Redis", () => {
  it.live("share locks, idempotency keys and sessions, and no messages", () =>
    Effect.flatMap(server, ({ url }) =>
      Effect.promise(async () => {
        const options = { profile: "memory", redisUrl: url, redisPrefix: "test:" } as const
        await using one = await open(options)
        await using two = await open(options)
        const held = await one.withLock("nightly", () =>
          rejection(two.withLock("nightly", () => "never")))
        assert.instanceOf(held, LeaseHeld)

        const first = await one.publish("orders", 1, { idempotencyKey: "k" })
        const repeat = await two.publish("orders", 1, { idempotencyKey: "k" })
        assert.deepInclude(repeat, { id: first.id, duplicate: true })

        const version = await one.sessions.set("chat/1", { turns: 1 }, { ttlMs: 60_000 })
        assert.deepInclude(await two.sessions.get("chat/1"), { value: { turns: 1 }, version })
        await two.sessions.set("chat/1", { turns: 2 }, { ttlMs: 60_000, version })
        const stale = one.sessions.set("chat/1", { turns: 2 }, { ttlMs: 60_000, version })
        assert.instanceOf(await rejection(stale), SessionConflict)
        assert.isTrue(await one.sessions.delete("chat/1"))
        assert.isUndefined(await two.sessions.get("chat/1"))
      })))

  it.live("are told when it cannot be used", () =>
    Effect.promise(async () => {
      const error = await rejection(open({ profile: "memory", redisUrl: "redis://127.0.0.1:1" }))
      assert.instanceOf(error, RedisUnopened)
      assert.include(error.message, "ECONNREFUSED")
    }))
})

describe("sessions of a program without Redis", () => {
  it.live("are kept in its memory; names and values that cannot be are refused", () =>
    Effect.promise(async () => {
      await using bus = await open({ profile: "memory" })
      await bus.sessions.set("s", [1, null], { ttlMs: 1_000 })
      assert.deepInclude(await bus.sessions.get("s"), { value: [1, null] })
      const wrong = [
        bus.sessions.set("two words", 1, { ttlMs: 1_000 }),
        bus.sessions.set("s", undefined, { ttlMs: 1_000 }),
        bus.sessions.set("s", 1n, { ttlMs: 1_000 }),
        bus.sessions.set("s", 1, { ttlMs: 0 })
      ]
      for (const promise of wrong) assert.instanceOf(await rejection(promise), SessionInvalid)
    }))
})
