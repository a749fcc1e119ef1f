import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Asked, fakeBus, problem } from "./FakeBus.ts"
import { runCli } from "./RunCli.ts"

const shard = {
  id: 0,
  state: "paused",
  queued: { high: 1, normal: 12_345 },
  bytes: 0,
  workers: 4,
  inFlight: 2
}

const answer = ({ path }: Asked) =>
  path.endsWith("/rebalance")
    ? [200, { moved: 7 }] as const
    : path.includes("/9/")
    ? problem(404, "Unknown shard", "there is no shard 9")
    : [200, { count: 1, shards: [shard] }] as const

describe("codefactory shards", () => {
  it.effect("shows them, and sends each change where the API takes it", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(answer)
      const shown = yield* runCli(["shards", "--url", bus.url])
      assert.deepStrictEqual([shown.code, shown.out.split("\n")], [0, [
        "SHARD  STATE   HIGH  NORMAL  BYTES  WORKERS  IN FLIGHT",
        "    0  paused     1  12,345      0        4          2"
      ]])
      yield* runCli(["shards", "count", "--url", bus.url, "4"])
      yield* runCli(["shards", "workers", "--url", bus.url, "3"])
      yield* runCli(["shards", "workers", "--url", bus.url, "--shard", "1", "3"])
      yield* runCli(["shards", "pause", "--url", bus.url, "0"])
      yield* runCli(["shards", "resume", "--all-pods", "--url", bus.url, "0"])
      const moved = yield* runCli(["shards", "rebalance", "--url", bus.url])
      assert.strictEqual(moved.out, "moved 7 deliveries")
      assert.deepStrictEqual(bus.asked.map(({ body, method, path }) => [method, path, body]), [
        ["GET", "/v1/shards", ""],
        ["PUT", "/v1/shards/count", "{\"count\":4}"],
        ["PUT", "/v1/shards/workers", "{\"count\":3}"],
        ["PUT", "/v1/shards/workers", "{\"count\":3,\"shard\":1}"],
        ["POST", "/v1/shards/0/pause", ""],
        ["POST", "/v1/shards/0/resume?scope=cluster", ""],
        ["POST", "/v1/shards/rebalance", ""]
      ])
      const refused = yield* runCli(["shards", "pause", "--url", bus.url, "9"])
      assert.strictEqual(refused.code, 1)
      assert.include(refused.err, "there is no shard 9")
    }))
})
