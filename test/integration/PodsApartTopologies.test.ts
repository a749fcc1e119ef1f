/**
 * Pods over a Redis of several servers: what they share works over a cluster and behind sentinels.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openStream, until } from "../edge/EventStream.ts"
import { cluster, sentinels } from "../servers/RedisTopologies.ts"
import { serving } from "../servers/Serving.ts"
import { eventually } from "./AgentDirectory.ts"
import { type ApartPod, apartPods, at, gapsIn, idsIn, publish, takeAll } from "./Apart.ts"

const timeoutMs = 90_000

/** Everything that pods share, once. */
const shared = Effect.fnUntraced(function*(pods: ReadonlyArray<ApartPod>) {
  yield* at(pods, 0, "PUT", "/v1/subscriptions/s", { topic: "t" })
  yield* at(pods, 1, "PUT", "/v1/subscriptions/all", { topic: "t", mode: "broadcast" })
  const streams = yield* Effect.forEach(
    pods,
    ({ service }) => openStream(Number(new URL(service.url).port), "/v1/subscriptions/all/events")
  )
  yield* until("the heads", () => streams.every(({ head }) => head().includes("200")))
  const ids = yield* publish(pods, 120)
  for (const stream of streams) {
    yield* until("the events", () => idsIn(stream).length >= ids.length)
    assert.sameMembers([...idsIn(stream)], ids)
    assert.strictEqual(gapsIn(stream), 0)
  }
  assert.sameMembers(yield* takeAll(pods, "s", ids.length), ids)
  const body = { value: { a: 1 }, ttlMs: 60_000 }
  assert.strictEqual((yield* at(pods, 0, "PUT", "/v1/sessions/chat", body)).status, 200)
  assert.strictEqual((yield* at(pods, 1, "GET", "/v1/sessions/chat")).status, 200)
  const once = { payload: 1, idempotencyKey: "once" }
  const first = yield* at(pods, 0, "POST", "/v1/topics/t/messages", once)
  const again = yield* at(pods, 1, "POST", "/v1/topics/t/messages", once)
  assert.strictEqual(again.body.id, first.body.id)
  assert.strictEqual((yield* at(pods, 0, "POST", "/v1/locks/l", { leaseMs: 60_000 })).status, 201)
  assert.strictEqual((yield* at(pods, 1, "POST", "/v1/locks/l", { leaseMs: 60_000 })).status, 409)
})

describe("pods over a cluster", () => {
  const servers = serving(cluster)

  it.live("share everything, and hear each other in order", () =>
    Effect.scoped(Effect.flatMap(
      Effect.flatMap(servers, (server) => apartPods(server, 2)),
      shared
    )), timeoutMs)
})

describe("pods behind sentinels", () => {
  const servers = serving(sentinels)

  it.live(
    "F5: share everything, and go on when the primary has died",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* servers
        const pods = yield* apartPods(server, 2)
        yield* shared(pods)
        yield* server.primary.kill
        const ids = yield* publish(pods, 10)
        assert.includeMembers([...yield* takeAll(pods, "s", 11)], ids)
        yield* eventually(
          at(pods, 1, "PUT", "/v1/subscriptions/late", { topic: "late" }),
          ({ status }) => status === 201
        )
        const late = yield* publish(pods, 4, "late")
        assert.sameMembers(yield* takeAll(pods, "late", 4), late)
      })),
    timeoutMs
  )
})
