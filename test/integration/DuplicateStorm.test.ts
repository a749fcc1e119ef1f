/**
 * Many clients publish the same messages at the same time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { drain } from "./Consume.ts"
import { call, start, stop, temporaryFolder } from "./Service.ts"
import { say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** Requests, distinct keys and connections; the long ones are those of the fault matrix. */
const storm = isLong
  ? { requests: 10_000, keys: 100, connections: 200 }
  : { requests: 1_000, keys: 50, connections: 100 }

describe("a storm of duplicates", () => {
  it.live("F23: is accepted and delivered once per key; the rest are replays or 409", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      yield* call(`${service.url}/v1/subscriptions/storm`, "PUT", { topic: "storm.>" })
      const ids = new Map<number, Set<string>>()
      const counts = { fresh: 0, replayed: 0, inFlight: 0 }
      const requests = Array.from({ length: storm.requests }, (_, at) => at)
      yield* Effect.forEach(requests, (at) =>
        Effect.gen(function*() {
          const n = at % storm.keys
          const { body, status } = yield* call(
            `${service.url}/v1/topics/storm.t${n % 7}/messages`,
            "POST",
            { payload: n, idempotencyKey: `i${n}` }
          )
          assert.include([202, 409], status, JSON.stringify(body))
          if (status === 409) counts.inFlight++
          else {
            const { duplicate, id } = body as unknown as { duplicate: boolean; id: string }
            if (duplicate) counts.replayed++
            else counts.fresh++
            ids.set(n, (ids.get(n) ?? new Set()).add(id))
          }
        }), { concurrency: storm.connections, discard: true })
      say("F23", { ...storm, ...counts })
      assert.strictEqual(counts.fresh, storm.keys)
      assert.strictEqual(counts.fresh + counts.replayed + counts.inFlight, storm.requests)
      assert.isTrue([...ids.values()].every((named) => named.size === 1), "one id per key")
      const delivered = yield* drain(service.url, "storm")
      assert.sameMembers(delivered, [...ids.values()].flatMap((named) => [...named]))
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
