/**
 * A real service that scales by load alone, while everything about its messages still holds.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { agentsWith, eventually } from "./AgentDirectory.ts"
import { call, start, stop, temporaryFolder } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** Shards at the start, how many load makes of them, and how few are left without it. */
const shards = isLong ? { start: 8, most: 16, least: 2 } : { start: 4, most: 6, least: 3 }

/** Ends what hangs. */
const timeoutMs = 300_000

/** Takes its time, so that what is published waits in the shards. */
const slow = `
export default {
  topic: "traffic.>",
  options: { ordering: "key" },
  handle: () => new Promise((resolve) => setTimeout(resolve, ${isLong ? 100 : 40}))
}`

describe("a service that scales", () => {
  it.live(
    "pitfall 13: grows and shrinks by load alone, and nothing is lost or out of order",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const service = yield* start(yield* temporaryFolder, {
          AGENTS_DIR: yield* agentsWith({ "slow.ts": slow }),
          MESSAGE_BUS_SHARD_COUNT: String(shards.start),
          MESSAGE_BUS_MIN_SHARDS: String(shards.least),
          MESSAGE_BUS_MIN_WORKERS: "2",
          MESSAGE_BUS_MAX_QUEUE_SIZE: "200",
          MESSAGE_BUS_SCALE_INTERVAL: "1"
        })
        yield* eventually(call(`${service.url}/readyz`, "GET"), ({ status }) => status === 200)
        const count = Effect.map(
          call(`${service.url}/v1/shards`, "GET"),
          ({ body }) => body.shards.length
        )
        const running = yield* traffic(() => service.url, {
          ...planDefault,
          keys: 400,
          publishers: 100, // Each waits for the shards of its own keys only.
          batch: 1,
          rate: 1_000,
          payloadBytes: 100
        })
        yield* eventually(count, (now) => now >= shards.most)
        const verdict = yield* running.finish
        say("scaling", { ...shards, ...verdict })
        const { accepted, duplicates, inversions, lost, phantoms } = verdict
        assert.isAbove(accepted, 100)
        assert.deepStrictEqual([duplicates, inversions, lost, phantoms], [0, 0, 0, 0])
        yield* eventually(count, (now) => now === shards.least)
        const { body } = yield* eventually(
          call(`${service.url}/v1/subscriptions/slow`, "GET"),
          ({ body }) => body.pending === 0
        )
        assert.strictEqual(body.acked, accepted)
        const decided = yield* call(`${service.url}/v1/decisions?kind=scale&limit=1000`, "GET")
        const outcomes = decided.body.decisions
          .filter(({ subject }) => subject === "shards")
          .map(({ outcome }) => Number(outcome.split(" ")[0]))
        const steps = outcomes.map((now, at) => now - (outcomes[at - 1] ?? shards.start))
        assert.sameMembers([...new Set(steps)], [1, -1])
        assert.strictEqual(Math.max(...outcomes) >= shards.most, true)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      })),
    timeoutMs
  )
})
