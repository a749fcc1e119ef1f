/**
 * Many clients publish the same messages at the same time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { redisServer } from "../servers/Redises.ts"
import { drain } from "./Consume.ts"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
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
      yield* storming([service])
    }))
})

describe("a storm of duplicates at two pods", () => {
  const redis = redisServer()

  it.live("F23: is accepted and delivered once per key over Redis, whichever pod it hits", () =>
    Effect.gen(function*() {
      const { url } = yield* redis
      const services = yield* Effect.forEach(
        [1, 2],
        () =>
          Effect.flatMap(
            temporaryFolder,
            (folder) => start(folder, { ENABLE_REDIS: "1", REDIS_URL: url })
          )
      )
      yield* storming(services)
    }))
})

/** Publishes the same again and again, in turn at each service; they end with it. */
const storming = Effect.fnUntraced(function*(services: ReadonlyArray<Service>) {
  const urls = services.map(({ url }) => url)
  yield* Effect.forEach(
    urls,
    (url) => call(`${url}/v1/subscriptions/storm`, "PUT", { topic: "storm.>" })
  )
  const ids = new Map<number, Set<string>>()
  const counts = { fresh: 0, replayed: 0, inFlight: 0 }
  const requests = Array.from({ length: storm.requests }, (_, at) => at)
  yield* Effect.forEach(requests, (at) =>
    Effect.gen(function*() {
      const n = at % storm.keys
      const url = urls[Math.floor(at / storm.keys) % urls.length] ?? ""
      const { body, status } = yield* call(
        `${url}/v1/topics/storm.t${n % 7}/messages`,
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
  say("F23", { ...storm, pods: urls.length, ...counts })
  assert.strictEqual(counts.fresh, storm.keys)
  assert.strictEqual(counts.fresh + counts.replayed + counts.inFlight, storm.requests)
  assert.isTrue([...ids.values()].every((named) => named.size === 1), "one id per key")
  const delivered = yield* Effect.forEach(urls, (url) => drain(url, "storm"))
  assert.sameMembers(delivered.flat(), [...ids.values()].flatMap((named) => [...named]))
  for (const service of services) assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
})
