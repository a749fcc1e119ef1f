import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import { fakeBus } from "./FakeBus.ts"
import { node } from "./Spawned.ts"

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))

const message = { id: "m", topic: "t", payload: "x".repeat(1_000), key: null }

/** A bus with one subscription that never runs out of messages. */
const endless = fakeBus(({ path }) =>
  path.endsWith("/pull")
    ? [200, { deliveries: [{ ackId: "a", attempt: 1, message }] }]
    : [200, { topic: "t" }]
)

describe("codefactory as a process", () => {
  it.live("behaviour 79: illegal settings are all named and end it with exit code 78", () =>
    Effect.gen(function*() {
      const serve = yield* node([main, "serve"], {
        MESSAGE_BUS_SHARD_COUNT: "abc",
        ENABLE_REDIS: "1",
        ENABLE_KAFAK: "1"
      })
      const { code, err, out } = yield* serve.ended
      assert.strictEqual(code, 78)
      assert.strictEqual(out, "")
      for (const name of ["MESSAGE_BUS_SHARD_COUNT", "REDIS_URL", "ENABLE_KAFAK"]) {
        assert.include(err, `\n  ${name}\n`)
      }
    }))

  it.live("a bus that does not answer is exit code 69, wrong usage is 2, --version is 0", () =>
    Effect.gen(function*() {
      const runs = yield* Effect.forEach(
        [["status", "--url", "http://127.0.0.1:1"], ["publish", "t", "{"], ["--version"]],
        (args) => Effect.flatMap(node([main, ...args]), ({ ended }) => ended),
        { concurrency: 3 }
      )
      assert.deepStrictEqual(runs.map(({ code }) => code), [69, 2, 0])
    }))

  it.live("subscribe ends well on Ctrl-C", () =>
    Effect.gen(function*() {
      const { url } = yield* endless
      const subscribe = yield* node([main, "subscribe", "s", "--url", url])
      yield* subscribe.said("xxx")
      subscribe.kill("SIGINT")
      const { code, err } = yield* subscribe.ended
      assert.strictEqual(code, 0)
      assert.match(err, /^\d+ messages? received\n$/)
    }))

  it.live("a reader that goes away ends it quietly", () =>
    Effect.gen(function*() {
      const { url } = yield* endless
      const subscribe = yield* node([main, "subscribe", "s", "--url", url])
      yield* subscribe.said("xxx")
      subscribe.hangUp()
      const { code, err } = yield* subscribe.ended
      assert.strictEqual(code, 0)
      assert.match(err, /^\d+ messages? received\n$/)
    }))
})
