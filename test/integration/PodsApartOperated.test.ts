/**
 * Pods that share only a Redis, as operators and requesters see them: any of them speaks for all.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { redisServer } from "../servers/Redises.ts"
import { agentsWith, eventually } from "./AgentDirectory.ts"
import { apartPods, at, publish } from "./Apart.ts"
import { onFreePorts, runToEnd, serve, temporaryFolder } from "./Service.ts"

const redis = redisServer()

const timeoutMs = 60_000

describe("pods with a Redis only", () => {
  it.live(
    "answer a request at the pod that asks, wherever the reply is published",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const pods = yield* apartPods(yield* redis, 2)
        yield* at(pods, 0, "PUT", "/v1/subscriptions/answers", { topic: "ask" })
        const asked = yield* Effect.forkChild(
          at(pods, 0, "POST", "/v1/topics/ask/requests", { payload: 21 })
        )
        const pull = { max: 1, waitMs: 5_000 }
        const { body } = yield* at(pods, 1, "POST", "/v1/subscriptions/answers/pull", pull)
        const [delivery] = body.deliveries
        if (delivery === undefined) return assert.fail("nothing was asked")
        const to = delivery.message.headers["reply-to"]
        const payload = delivery.message.payload * 2
        yield* at(pods, 1, "POST", `/v1/topics/${to}/messages`, { payload })
        const answer = yield* Fiber.join(asked)
        assert.deepStrictEqual([answer.status, answer.body.payload], [200, 42])
      })),
    timeoutMs
  )

  it.live(
    "show, edit and replay the dead letters of all of them at any",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const dir = yield* agentsWith({
          "worker.ts": `
          export default {
            topic: "work",
            retry: { attemptsMax: 1 },
            handle: (n) => { if (n < 100) throw new Error("small") }
          }`
        })
        const pods = yield* apartPods(yield* redis, 2, { AGENTS_DIR: dir })
        yield* publish(pods, 6, "work")
        const { body: { deadLetters } } = yield* eventually(
          at(pods, 0, "GET", "/v1/dead-letters"),
          ({ body }) => body.deadLetters.length === 6
        )
        const ids = deadLetters.map(({ id }) => Number(id))
        assert.lengthOf([...new Set(ids)], 6)
        const pages: Array<number> = []
        for (let after = 0;;) {
          const { body } = yield* at(pods, 1, "GET", `/v1/dead-letters?limit=2&after=${after}`)
          pages.push(...body.deadLetters.map(({ id }) => Number(id)))
          if (body.deadLetters.length < 2) break
          after = pages.at(-1) ?? 0
        }
        assert.deepStrictEqual(pages, ids.toSorted((a, b) => a - b))
        for (const id of ids) {
          const edited = yield* at(pods, 1, "PATCH", `/v1/dead-letters/${id}`, { payload: 100 })
          assert.strictEqual(edited.status, 200, JSON.stringify(edited.body))
        }
        const { body: one } = yield* at(pods, 0, "POST", "/v1/dead-letters/replay", {
          ids: [String(ids[0])]
        })
        assert.strictEqual(one.replayed, 1)
        const { body: rest } = yield* at(pods, 1, "POST", "/v1/dead-letters/replay", {})
        assert.strictEqual(rest.replayed, 5)
      })),
    timeoutMs
  )

  it.live(
    "pause and resize the shards of all when asked, and are shown by any",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const pods = yield* apartPods(yield* redis, 3)
        const states = (pod: number) =>
          Effect.map(
            at(pods, pod, "GET", "/v1/shards"),
            ({ body }) => body.shards.map(({ state }) => state)
          )
        yield* at(pods, 0, "POST", "/v1/shards/1/pause?scope=cluster")
        yield* at(pods, 0, "POST", "/v1/shards/2/pause")
        for (const pod of [1, 2]) {
          yield* eventually(states(pod), (all) => all[1] === "paused")
          assert.strictEqual((yield* states(pod))[2], "open")
        }
        yield* at(pods, 2, "POST", "/v1/shards/1/resume?scope=cluster")
        yield* at(pods, 2, "PUT", "/v1/shards/count?scope=cluster", { count: 4 })
        for (const pod of [0, 1, 2]) {
          yield* eventually(states(pod), (all) => all.length === 4 && all[1] === "open")
        }
        const { body } = yield* at(pods, 1, "GET", "/v1/snapshot?scope=cluster")
        assert.sameMembers(
          body.pods.map(({ address }) => address),
          pods.map(({ port }) => `http://127.0.0.1:${port}`)
        )
        for (const { snapshot } of body.pods) assert.strictEqual(snapshot.state, "Running")
      })),
    timeoutMs
  )

  it.live(
    "answer each other, and nobody without the token of the pod",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const [pod] = yield* apartPods(yield* redis, 1)
        const ask = (headers: Readonly<Record<string, string>>) =>
          Effect.promise(() =>
            fetch(`http://127.0.0.1:${pod?.port}/ask`, {
              method: "POST",
              headers,
              body: JSON.stringify({ kind: "snapshot" })
            })
          )
        const { cli } = yield* redis
        const entries = cli("HVALS", "codefactory:entries:{pods}")
        const { token } = JSON.parse(entries)
        assert.strictEqual((yield* ask({})).status, 401)
        assert.strictEqual((yield* ask({ authorization: `Bearer ${token}x` })).status, 401)
        const known = yield* ask({ authorization: `Bearer ${token}` })
        assert.strictEqual(known.status, 200)
        assert.include(yield* Effect.promise(() => known.text()), "\"state\":\"Running\"")
      })),
    timeoutMs
  )

  it.live("say which port is taken, and end with 71", () =>
    Effect.scoped(Effect.gen(function*() {
      const { url } = yield* redis
      const [pod] = yield* apartPods(yield* redis, 1)
      const { code, err, out } = yield* runToEnd(serve, {
        ...onFreePorts(yield* temporaryFolder),
        ENABLE_REDIS: "1",
        REDIS_URL: url,
        SINGLE_POD: "0",
        POD_PORT: String(pod?.port)
      })
      assert.strictEqual(code, 71, `${out}${err}`)
      assert.include(`${out}${err}`, "set POD_PORT to another port")
    })), timeoutMs)
})
