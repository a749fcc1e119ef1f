import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { served } from "./Served.ts"

const put = (body: unknown) => ({ method: "PUT", body: JSON.stringify(body) })

describe("shards over HTTP", () => {
  it.live("are shown with their state", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const { json } = yield* ask("/v1/shards?scope=pod")
      assert.strictEqual(json.count, 2)
      assert.deepStrictEqual(json.shards[1], {
        id: 1,
        state: "closed",
        queued: { high: 1, normal: 2 },
        bytes: 4,
        workers: 5,
        inFlight: 1
      })
      assert.strictEqual(json.shards[0].state, "open")
      assert.strictEqual((yield* ask("/v1/shards?scope=world")).status, 400)
    }))

  it.live("are paused and resumed one by one", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const paused = yield* ask("/v1/shards/0/pause", { method: "POST" })
      assert.strictEqual(paused.status, 200)
      assert.strictEqual(paused.json.shards[0].state, "paused")
      const resumed = yield* ask("/v1/shards/0/resume", { method: "POST" })
      assert.strictEqual(resumed.json.shards[0].state, "open")
      for (const id of ["2", "x", "-1", "1e1"]) {
        const unknown = yield* ask(`/v1/shards/${id}/pause`, { method: "POST" })
        assert.strictEqual(unknown.status, 404, id)
        assert.strictEqual(unknown.json.type, "/problems/shard-unknown")
      }
    }))

  it.live("of all pods are shown and changed when that is asked for", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      const { json: { pods } } = yield* ask("/v1/shards?scope=cluster")
      assert.deepStrictEqual(
        pods.map(({ count, detail, pod }: Record<string, unknown>) => [pod, count, detail]),
        [["a", 2, undefined], ["b", 0, "no answer"]]
      )
      const all = "?scope=cluster"
      yield* ask(`/v1/shards/0/pause${all}`, { method: "POST" })
      yield* ask(`/v1/shards/count${all}`, put({ count: 3 }))
      yield* ask(`/v1/shards/workers${all}`, put({ count: 7 }))
      const { count, paused, workers } = fake.shardsElsewhere
      assert.deepStrictEqual([count, workers, [...paused]], [3, 7, [0]])
      yield* ask(`/v1/shards/0/resume${all}`, { method: "POST" })
      assert.strictEqual(paused.size, 0)
      assert.deepStrictEqual((yield* ask(`/v1/shards/rebalance${all}`, { method: "POST" })).json, {
        moved: 7
      })
      assert.strictEqual(fake.shards.count, 2)
    }))

  it.live("are counted anew; a second change meanwhile is 409", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      const changed = yield* ask("/v1/shards/count", put({ count: 4 }))
      assert.deepStrictEqual([changed.status, changed.json.count], [200, 4])
      for (const count of [1, 17, 2.5, "4"]) {
        assert.strictEqual((yield* ask("/v1/shards/count", put({ count }))).status, 400, `${count}`)
      }
      fake.shards.resizing = true
      const refused = yield* ask("/v1/shards/count", put({ count: 8 }))
      assert.deepStrictEqual([refused.status, refused.json.type], [409, "/problems/resize-running"])
      assert.strictEqual((yield* ask("/v1/shards/rebalance", { method: "POST" })).status, 409)
    }))

  it.live("get workers and are rebalanced", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const all = yield* ask("/v1/shards/workers", put({ count: 6 }))
      assert.strictEqual(all.json.shards[0].workers, 6)
      assert.strictEqual((yield* ask("/v1/shards/workers", put({ count: 9 }))).status, 400)
      assert.strictEqual(
        (yield* ask("/v1/shards/workers", put({ count: 2, shard: 7 }))).status,
        404
      )
      const moved = yield* ask("/v1/shards/rebalance", { method: "POST" })
      assert.deepStrictEqual([moved.status, moved.json], [200, { moved: 7 }])
    }))
})
