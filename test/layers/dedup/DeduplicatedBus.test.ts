import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as DeduplicatedBus from "../../../src/layers/dedup/DeduplicatedBus.ts"
import * as RedisDeduplicator from "../../../src/layers/dedup/RedisDeduplicator.ts"
import * as Redis from "../../../src/layers/drivers/redis/Redis.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { redisServer } from "../../servers/Redises.ts"
import { draft } from "../bus/Drafts.ts"
import { redisOptions } from "../drivers/redis/TestRedis.ts"

const server = redisServer()

/** The bus of a new pod, with a log of its own. */
const pod = (contentHash = false) =>
  Effect.gen(function*() {
    const { url } = yield* server
    const context = yield* Layer.build(Layer.fresh(
      DeduplicatedBus.layer({ contentHash }).pipe(
        Layer.provide([
          Layer.provide(Bus.layer({ ...Bus.optionsDefault, contentHash }), MemoryLog.layer),
          Layer.provide(RedisDeduplicator.layer(), Redis.layer(redisOptions(url)))
        ])
      )
    ))
    return Context.get(context, MessageBus)
  })

/** A message under a key. */
const keyed = (idempotencyKey: string, payload = 1) => draft("t", payload, { idempotencyKey })

describe("a bus whose keys count at all pods", () => {
  it.live("P4: answers a repeat at another pod with the first reply, another body with 422", () =>
    Effect.scoped(Effect.gen(function*() {
      const [one, two] = yield* Effect.all([pod(), pod()])
      const first = yield* one.publish(keyed("k"))
      const repeat = yield* two.publish(keyed("k"))
      assert.deepInclude(repeat, { id: first.id, shard: first.shard, duplicate: true })
      const other = yield* Effect.flip(two.publish(keyed("k", 2)))
      assert.deepInclude(other, { _tag: "IdempotencyConflict", firstId: first.id })
      assert.isFalse((yield* two.publish(draft("t", 1))).duplicate)
      const { duplicates, published, refused } = two.snapshot()
      assert.deepStrictEqual([published, duplicates, refused["IdempotencyConflict"]], [1, 1, 1])
    })))

  it.live("P4: in a batch each key counts once, in the order of the batch", () =>
    Effect.scoped(Effect.gen(function*() {
      const [one, two] = yield* Effect.all([pod(), pod()])
      const first = yield* one.publish(keyed("a"))
      const results = yield* two.publishMany([
        keyed("b"),
        keyed("a"),
        draft("t", 9),
        keyed("b"),
        keyed("a", 2)
      ])
      const said = results.map((result) =>
        Result.isSuccess(result) ? result.success.duplicate : result.failure._tag
      )
      assert.deepStrictEqual(said, [false, true, false, true, "IdempotencyConflict"])
      const ids = results.flatMap((result) => Result.isSuccess(result) ? [result.success.id] : [])
      assert.strictEqual(ids[1], first.id)
      assert.strictEqual(ids[3], ids[0])
      assert.deepInclude(yield* one.publish(keyed("b")), { id: ids[0] ?? "", duplicate: true })
    })))

  it.live("P4: a refused publish leaves no key", () =>
    Effect.scoped(Effect.gen(function*() {
      const [one, two] = yield* Effect.all([pod(), pod()])
      const large = "x".repeat(2 ** 20)
      const refused = yield* Effect.flip(one.publish(draft("t", large, { idempotencyKey: "k" })))
      assert.strictEqual(refused._tag, "PayloadTooLarge")
      assert.isFalse((yield* two.publish(keyed("k"))).duplicate)
    })))

  it.live("the content of a message may be its key", () =>
    Effect.scoped(Effect.gen(function*() {
      const [one, two] = yield* Effect.all([pod(true), pod(true)])
      const first = yield* one.publish(draft("t", { a: 1 }))
      assert.deepInclude(yield* two.publish(draft("t", { a: 1 })), {
        id: first.id,
        duplicate: true
      })
    })))

  it.live("F2: without Redis only publishes with a key are refused", () =>
    Effect.scoped(Effect.gen(function*() {
      const { kill, start } = yield* server
      const one = yield* pod()
      yield* kill
      const refused = yield* Effect.flip(one.publish(keyed("k")))
      assert.strictEqual(refused._tag, "KeysUnavailable")
      yield* one.publish(draft("t", 1))
      assert.strictEqual(one.snapshot().refused["KeysUnavailable"], 1)
      yield* start
    })))

  it.live("of many at once at two pods one is accepted", () =>
    Effect.scoped(Effect.gen(function*() {
      const pods = yield* Effect.all([pod(), pod()])
      const results = yield* Effect.all(
        Array.from(
          { length: 200 },
          (_, at) => Effect.result(pods[at % 2]?.publish(keyed(`k${at % 10}`)) ?? Effect.die(at))
        ),
        { concurrency: "unbounded" }
      )
      const fresh = results.filter((result) =>
        Result.isSuccess(result) && !result.success.duplicate
      )
      assert.lengthOf(fresh, 10)
      for (const result of results) {
        if (Result.isFailure(result)) assert.strictEqual(result.failure._tag, "IdempotencyInFlight")
      }
    })))
})
