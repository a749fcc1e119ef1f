/**
 * Pods that share only a Redis: each keeps what it accepted, and any of them serves all of it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { openStream, until } from "../edge/EventStream.ts"
import { redisServer } from "../servers/Redises.ts"
import { eventually } from "./AgentDirectory.ts"
import { apartPods, at, gapsIn, idsIn, publish, restarted, takeAll } from "./Apart.ts"
import { stop } from "./Service.ts"

const redis = redisServer()

const timeoutMs = 60_000

describe("pods with a Redis only", () => {
  it.live(
    "have every subscription before it is told of, and pulls on any pod reach all",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const pods = yield* apartPods(yield* redis, 3)
        const created = yield* at(pods, 0, "PUT", "/v1/subscriptions/s", { topic: "t" })
        assert.strictEqual(created.status, 201)
        const ids = yield* publish(pods, 90) // At once, at every pod.
        const taken = yield* takeAll(pods, "s", 90)
        assert.sameMembers(taken, ids)
        for (const pod of [0, 1, 2]) {
          const { body } = yield* at(pods, pod, "GET", "/v1/subscriptions/s")
          assert.strictEqual(body.pending, 0)
          const none = yield* at(pods, pod, "POST", "/v1/subscriptions/s/pull", { max: 5 })
          assert.lengthOf(none.body.deliveries, 0)
        }
        const again = yield* at(pods, 2, "PUT", "/v1/subscriptions/s", { topic: "t" })
        assert.strictEqual(again.status, 200)
        const other = yield* at(pods, 1, "PUT", "/v1/subscriptions/s", { topic: "u" })
        assert.strictEqual(other.status, 409)
      })),
    timeoutMs
  )

  it.live(
    "wake a pull that waits at one of them for what is published at another",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const pods = yield* apartPods(yield* redis, 3)
        yield* at(pods, 1, "PUT", "/v1/subscriptions/s", { topic: "t" })
        for (let n = 0; n < 6; n++) {
          const waiting = yield* Effect.forkChild(
            at(pods, n % 3, "POST", "/v1/subscriptions/s/pull", { max: 1, waitMs: 20_000 })
          )
          yield* Effect.sleep("100 millis")
          const [from] = [pods[(n + 1) % 3]]
          const [id] = yield* publish(from === undefined ? [] : [from], 1)
          const { body: { deliveries } } = yield* Fiber.join(waiting)
          assert.deepStrictEqual(deliveries.map(({ message }) => message.id), [id])
          const ackIds = deliveries.map(({ ackId }) => ackId)
          yield* at(pods, (n + 2) % 3, "POST", "/v1/subscriptions/s/ack", { ackIds })
        }
      })),
    timeoutMs
  )

  it.live(
    "pitfall 51: show what is published at any pod to streams at each, once",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const pods = yield* apartPods(yield* redis, 3)
        yield* at(pods, 0, "PUT", "/v1/subscriptions/all", { topic: "t", mode: "broadcast" })
        const streams = yield* Effect.forEach(
          pods,
          ({ service }) =>
            openStream(Number(new URL(service.url).port), "/v1/subscriptions/all/events")
        )
        yield* until("the heads", () => streams.every(({ head }) => head().includes("200")))
        const ids = yield* publish(pods, 300)
        for (const stream of streams) {
          yield* until("the events", () => idsIn(stream).length >= ids.length)
          assert.sameMembers([...idsIn(stream)], ids)
          assert.strictEqual(gapsIn(stream), 0)
        }
      })),
    timeoutMs
  )

  it.live(
    "join one after another: a pod waits for the one that holds the start",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* redis
        const holder = "codefactory:lease:{platform_startup}"
        const leaseMs = 3_000
        const [seconds = ""] = server.cli("TIME").split("\n")
        const end = Number(seconds) * 1_000 + leaseMs
        server.cli("SET", holder, `1 ${end} - another`, "PX", "7200000")
        yield* apartPods(server, 1)
        const [after = ""] = server.cli("TIME").split("\n")
        assert.isAtLeast(Number(after) * 1_000 + 1_000, end)
        assert.match(server.cli("GET", holder), /^\d+ 0 -/)
      })),
    timeoutMs
  )

  it.live(
    "pitfall 51: tell streams of a gap where something may be missing",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* redis
        const pods = yield* apartPods(server, 2)
        yield* at(pods, 0, "PUT", "/v1/subscriptions/all", { topic: "t", mode: "broadcast" })
        const port = Number(new URL(pods[1]?.service.url ?? "").port)
        const stream = yield* openStream(port, "/v1/subscriptions/all/events")
        yield* until("the head", () => stream.head().includes("200"))
        const ids: Array<string> = []
        for (let tries = 0; gapsIn(stream) === 0 && tries < 20; tries++) {
          server.cli("CLIENT", "KILL", "TYPE", "pubsub")
          ids.push(...yield* publish(pods.slice(0, 1), 20))
          yield* Effect.sleep("500 millis")
        }
        assert.isAbove(gapsIn(stream), 0)
        const last = yield* publish(pods, 4)
        ids.push(...last)
        yield* until("the last", () => last.every((id) => idsIn(stream).includes(id)))
        assert.isAtMost(idsIn(stream).length, ids.length)
        assert.strictEqual(new Set(idsIn(stream)).size, idsIn(stream).length)
      })),
    timeoutMs
  )

  it.live(
    "keep what a killed pod has accepted, and a pod that was away learns what changed",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* redis
        const pods = [...yield* apartPods(server, 3)]
        yield* at(pods, 0, "PUT", "/v1/subscriptions/s", { topic: "t" })
        yield* at(pods, 0, "PUT", "/v1/subscriptions/old", { topic: "old" })
        const ids = yield* publish(pods, 30)
        const [, , victim] = pods
        if (victim === undefined) return
        yield* stop(victim.service, "SIGKILL")
        // A pod that may be there and does not know it would miss messages.
        const left = pods.slice(0, 2)
        const refused = yield* at(left, 0, "PUT", "/v1/subscriptions/new", { topic: "new" })
        assert.strictEqual(refused.status, 503)
        yield* eventually(
          at(left, 0, "PUT", "/v1/subscriptions/new", { topic: "new" }),
          ({ status }) => status === 201 || status === 200
        )
        assert.strictEqual((yield* at(left, 1, "DELETE", "/v1/subscriptions/old")).status, 204)
        pods[2] = yield* restarted(server, victim)
        const late = yield* publish(pods.slice(2), 3, "new")
        assert.sameMembers(yield* takeAll(left, "new", 3), late)
        assert.strictEqual((yield* at(pods, 2, "GET", "/v1/subscriptions/old")).status, 404)
        assert.sameMembers(yield* takeAll(pods, "s", 30), ids)
      })),
    timeoutMs
  )

  it.live(
    "F2: serve each other without Redis, and take up changes when it is back",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* redis
        const pods = yield* apartPods(server, 2)
        yield* at(pods, 0, "PUT", "/v1/subscriptions/s", { topic: "t" })
        yield* server.kill
        const ids = yield* publish(pods, 20)
        assert.sameMembers(yield* takeAll(pods, "s", 20), ids)
        const refused = yield* at(pods, 0, "PUT", "/v1/subscriptions/new", { topic: "new" })
        assert.strictEqual(refused.status, 503)
        yield* server.start
        yield* eventually(
          at(pods, 1, "PUT", "/v1/subscriptions/new", { topic: "new" }),
          ({ status }) => status === 201
        )
        const late = yield* publish(pods, 4, "new")
        assert.sameMembers(yield* takeAll(pods, "new", 4), late)
      })),
    timeoutMs
  )
})
