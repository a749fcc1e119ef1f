/**
 * The memory profile over HTTP: everything works, and nothing is promised beyond the process.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { drain, publish, subscribe } from "./Consume.ts"
import { call, start, stop, temporaryFolder } from "./Service.ts"

const inMemory = { ENABLE_DATABASE: "0" }

describe("a service in memory", () => {
  it.live("publishes, pulls and acknowledges, writes nothing, and ends with 0", () =>
    Effect.gen(function*() {
      const dataDir = join(yield* temporaryFolder, "data")
      const service = yield* start(dataDir, inMemory)
      assert.strictEqual((yield* subscribe(service.url, "all")).status, 201)
      const accepted = yield* Effect.forEach([1, 2, 3], (n) => publish(service.url, n))
      for (const { body, status } of accepted) {
        assert.strictEqual(status, 202)
        assert.strictEqual(body.durability, "memory")
      }
      const ids = accepted.map(({ body }) => body.id)
      const { body } = yield* call(`${service.url}/v1/subscriptions/all/pull`, "POST", {
        max: 1,
        waitMs: 0
      })
      assert.deepStrictEqual(body.deliveries.map(({ message }) => message.id), [ids[0]])
      const ackIds = [...body.deliveries.map(({ ackId }) => ackId), "never-valid"]
      assert.deepStrictEqual<object>(
        (yield* call(`${service.url}/v1/subscriptions/all/ack`, "POST", { ackIds })).body,
        { done: 1, unknown: ["never-valid"] }
      )
      assert.sameMembers(yield* drain(service.url, "all", 0), ids.slice(1))
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      assert.isFalse(existsSync(dataDir))
    }))

  it.live("P7: says in its last line how much it loses, and ends with 3", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder, inMemory)
      yield* subscribe(service.url, "all")
      // More than a subscription holds in its own memory, so that some wait in the log.
      const items = Array.from({ length: 3_000 }, (_, payload) => ({ topic: "load.test", payload }))
      yield* call(`${service.url}/v1/messages`, "POST", items)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 3)
      const last = service.said().trim().split("\n").at(-1)
      assert.match(last ?? "", /WARN.*: 3000 deliveries were not settled and are lost$/)
    }))
})
