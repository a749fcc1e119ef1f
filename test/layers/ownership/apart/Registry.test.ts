/**
 * The registry and the table of subscriptions, over a real Redis.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import { optionsDefault, SubscriptionName } from "../../../../src/domain/Subscription.ts"
import { TopicPattern } from "../../../../src/domain/TopicPattern.ts"
import * as Redis from "../../../../src/layers/drivers/redis/Redis.ts"
import { goneMs, make } from "../../../../src/layers/ownership/apart/Registry.ts"
import * as SubscriptionTable from "../../../../src/layers/ownership/apart/SubscriptionTable.ts"
import { redisServer } from "../../../servers/Redises.ts"
import { redisOptions } from "../../drivers/redis/TestRedis.ts"

const server = redisServer()

const redisAt = (url: string): Effect.Effect<Redis.Redis["Service"], never, Scope.Scope> =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(Redis.layer(redisOptions(url))))),
    (context) => Context.get(context, Redis.Redis)
  )

/** A pod that beats when it is told to. */
const pod = (redis: Redis.Redis["Service"], name: string, token = `of ${name}`) =>
  make({
    redis,
    describe: () => ({
      pod: name,
      token,
      url: `http://${name}`,
      version: "1",
      startedAt: 1,
      load: 0,
      isListening: false
    })
  })

const names = ({ others }: { readonly others: ReadonlyArray<{ readonly pod: string }> }) =>
  others.map((one) => one.pod).toSorted()

describe("the registry of pods", () => {
  it.live("tells each of the others, until they leave or say nothing for a while", () =>
    Effect.gen(function*() {
      const { cli, url } = yield* server
      const redis = yield* redisAt(url)
      const [a, b] = yield* Effect.all([pod(redis, "a"), pod(redis, "b")])
      yield* Effect.scoped(Effect.gen(function*() {
        const c = yield* pod(redis, "c")
        for (const { beat } of [a, b, c, a]) yield* beat
        assert.deepStrictEqual(names(a.registry), ["b", "c"])
        assert.deepStrictEqual(
          new Set([a, b, c].map(({ registry }) => registry.number)),
          new Set([0, 1, 2])
        )
      }))
      yield* a.beat
      assert.deepStrictEqual(names(a.registry), ["b"])
      const alive = "test:alive:{pods}"
      cli("ZADD", alive, String(Number(cli("ZSCORE", alive, "b")) - goneMs), "b")
      yield* a.beat
      assert.deepStrictEqual(names(a.registry), [])
      assert.strictEqual(cli("HEXISTS", "test:entries:{pods}", "b"), "0")
    }))

  it.live("gives a pod its number again, also after the table of them was lost", () =>
    Effect.gen(function*() {
      const { cli, url } = yield* server
      const redis = yield* redisAt(url)
      const [a, b] = yield* Effect.all([pod(redis, "a"), pod(redis, "b")])
      yield* a.beat
      yield* b.beat
      cli("FLUSHALL")
      yield* b.beat
      yield* a.beat
      assert.deepStrictEqual([a.registry.number, b.registry.number], [0, 1])
      const successor = yield* pod(redis, "b", "another token")
      yield* successor.beat
      assert.strictEqual(successor.registry.number, 1)
    }))

  it.live("sets aside what somebody else wrote, and goes on", () =>
    Effect.gen(function*() {
      const { cli, url } = yield* server
      const redis = yield* redisAt(url)
      const [a, b] = yield* Effect.all([pod(redis, "a"), pod(redis, "b")])
      yield* b.beat
      cli("HSET", "test:entries:{pods}", "x", "{}")
      cli("ZADD", "test:alive:{pods}", cli("ZSCORE", "test:alive:{pods}", "b"), "x")
      yield* a.beat
      assert.deepStrictEqual(names(a.registry), ["b"])
      for (const kind of ["alive", "entries", "numbers"]) {
        cli("SET", `test:${kind}:{pods}`, "mine")
        yield* a.beat
        yield* b.beat
        assert.deepStrictEqual(names(b.registry), ["a"])
      }
      assert.isAbove(cli("KEYS", "test:quarantine:*").split("\n").length, 0)
    }))
})

describe("the table of subscriptions", () => {
  const name = SubscriptionName.make("s")
  const options = { ...optionsDefault, topic: TopicPattern.make("t") }

  it.live("lets the first of two writers win", () =>
    Effect.gen(function*() {
      const { url } = yield* server
      const table = SubscriptionTable.make(yield* redisAt(url))
      assert.isTrue(yield* table.write(name, undefined, { options }))
      assert.isFalse(yield* table.write(name, undefined, { options, deletedAt: 1 }))
      const found = yield* table.find(name)
      assert.deepStrictEqual(found?.row, { options })
      assert.isTrue(yield* table.write(name, found, { options, deletedAt: 1 }))
      assert.isFalse(yield* table.write(name, found, { options }))
      const [tomb] = yield* table.all
      assert.deepStrictEqual(tomb?.row, { options, deletedAt: 1 })
      if (tomb !== undefined) yield* table.forget(tomb)
      assert.lengthOf(yield* table.all, 0)
    }))

  it.live("passes over what somebody else wrote, and writes in its place", () =>
    Effect.gen(function*() {
      const { cli, url } = yield* server
      const table = SubscriptionTable.make(yield* redisAt(url))
      cli("HSET", "test:subscriptions:{pods}", "s", "mine")
      assert.lengthOf(yield* table.all, 0)
      assert.isTrue(yield* table.write(name, yield* table.find(name), { options }))
      cli("SET", "test:subscriptions:{pods}", "mine")
      assert.lengthOf(yield* table.all, 0)
      assert.isTrue(yield* table.write(name, undefined, { options }))
      assert.lengthOf(yield* table.all, 1)
    }))
})
