/**
 * What pods do for each other: streams show what is published anywhere, while partitions change
 * hands, replies find who asked, and handlers run for what others have.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { type EventStream, openStream, until } from "../edge/EventStream.ts"
import { databases } from "../servers/Databases.ts"
import { agentsWith, eventually, payloads } from "./AgentDirectory.ts"
import { one, podOver, type Pods, settled, threePods } from "./Fleet.ts"
import { call, stop } from "./Service.ts"

const { newDatabase } = databases()

const timeoutMs = 120_000

/** Answers each number but 7, the first time only every third. */
const worker = `
import { PermanentFailure } from "codefactory/agent"
const tried = new Set()
export default {
  topic: "work",
  handle: (n, { publish }) => {
    if (n === 7) throw new PermanentFailure({ reason: "seven" })
    if (n % 3 !== 0 && !tried.has(n)) {
      tried.add(n)
      throw new Error("not at once")
    }
    return publish("done", n)
  }
}`

const events = "/v1/subscriptions/feed/events"

const streamOf = (pods: Pods, at: number, path = events, headers = {}) =>
  openStream(Number(new URL(pods.all[at]?.url ?? "").port), path, headers)

const idsIn = (stream: EventStream): ReadonlyArray<string> =>
  stream.events.filter(({ event }) => event === "message").map(({ data }) => JSON.parse(data).id)

const gapsIn = (stream: EventStream): number =>
  stream.events.filter(({ event }) => event !== "message").length

/** Publishes in many keys, at each pod in turn; returns the ids. */
const publish = (pods: Pods, count: number, from: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n + from),
    (n) =>
      Effect.map(
        one(pods, n % pods.all.length, "/v1/topics/t/messages", "POST", {
          payload: n,
          key: `k${n % 50}`
        }),
        ({ body, status }) => {
          assert.strictEqual(status, 202)
          return String(body.id)
        }
      )
  )

const shows = (stream: EventStream, ids: ReadonlyArray<string>) =>
  until(`the events of ${ids.length} messages`, () => idsIn(stream).length >= ids.length)

const assertShown = (stream: EventStream, ids: ReadonlyArray<string>): void => {
  assert.deepStrictEqual(idsIn(stream).toSorted(), ids.toSorted())
  assert.strictEqual(gapsIn(stream), 0)
}

describe("pods together", () => {
  it.live(
    "show in streams what is published at any pod, while pods die and come, each message once",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const pods = yield* threePods(url)
        const created = yield* one(pods, 0, "/v1/subscriptions/feed", "PUT", { topic: "t" })
        assert.strictEqual(created.status, 201)
        const first = yield* publish(pods, 60, 0)
        const a = yield* streamOf(pods, 0)
        const b = yield* streamOf(pods, 1)
        const late = yield* streamOf(pods, 1, `${events}?from=earliest`)
        yield* until("the heads", () => [a, b, late].every(({ head }) => head().includes("200")))
        const second = yield* publish(pods, 120, 60)
        for (const stream of [a, b]) {
          yield* shows(stream, second)
          assertShown(stream, second)
        }
        yield* shows(late, [...first, ...second])
        assertShown(late, [...first, ...second])

        const victim = pods.all[2]
        if (victim === undefined) return
        const dying = yield* Effect.forkChild(stop(victim, "SIGKILL"))
        pods.all.pop()
        const third = yield* publish(pods, 60, 180) // Waits where nobody has the partition.
        yield* Fiber.join(dying)
        pods.all.push(yield* podOver(url))
        yield* settled(url, pods.all)
        const fourth = yield* publish(pods, 120, 240)
        const since = [...second, ...third, ...fourth]
        for (const stream of [a, b]) {
          yield* shows(stream, since)
          assertShown(stream, since)
        }

        // Another pod goes on where the first one was left.
        const lastId = a.lastId()
        a.socket.destroy()
        const fifth = yield* publish(pods, 60, 360)
        const resumed = yield* streamOf(pods, 2, events, { "last-event-id": lastId })
        yield* until("what came meanwhile", () => {
          const shown = new Set(idsIn(resumed))
          return fifth.every((id) => shown.has(id))
        })
        assert.isAtMost(idsIn(resumed).length, fifth.length + 64) // What a resume repeats at most.
        assert.strictEqual(gapsIn(resumed), 0)
      })),
    timeoutMs
  )

  it.live(
    "answer requests from any pod, whichever has the partition",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const pods = yield* threePods(url)
        yield* one(pods, 0, "/v1/subscriptions/answers", "PUT", { topic: "ask" })
        for (let n = 0; n < 9; n++) {
          const asked = yield* Effect.forkChild(
            one(pods, n % 3, "/v1/topics/ask/requests", "POST", { payload: n, key: `k${n}` })
          )
          const pull = { max: 1, waitMs: 5_000 }
          const { body } = yield* one(
            pods,
            (n + 1) % 3,
            "/v1/subscriptions/answers/pull",
            "POST",
            pull
          )
          const [delivery] = body.deliveries
          if (delivery === undefined) {
            const { body, status } = yield* Fiber.join(asked)
            return assert.fail(`nothing to answer request ${n}: ${status} ${JSON.stringify(body)}`)
          }
          const { ackId, message } = delivery
          const to = message.headers["reply-to"]
          const reply = yield* one(pods, (n + 2) % 3, `/v1/topics/${to}/messages`, "POST", {
            payload: message.payload * 2
          })
          assert.strictEqual(reply.status, 202)
          yield* one(pods, n % 3, "/v1/subscriptions/answers/ack", "POST", { ackIds: [ackId] })
          const answer = yield* Fiber.join(asked)
          assert.deepStrictEqual([answer.status, answer.body.payload], [200, n * 2])
        }
      })),
    timeoutMs
  )

  it.live(
    "are shown by any, and their shards changed by any, when all are meant",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const pods = yield* threePods(url)
        const all = "?scope=cluster"
        const { body } = yield* one(pods, 1, `/v1/snapshot${all}`, "GET")
        assert.deepStrictEqual(
          body.pods.map(({ snapshot }) => snapshot.state),
          ["Running", "Running", "Running"]
        )
        assert.strictEqual((yield* one(pods, 0, `/v1/shards/1/pause${all}`, "POST")).status, 200)
        for (const at of [0, 1, 2]) {
          const { body: { shards } } = yield* one(pods, at, "/v1/shards", "GET")
          assert.deepStrictEqual(
            shards.map(({ state }) => state).slice(0, 3),
            ["open", "paused", "open"]
          )
        }
      })),
    timeoutMs
  )

  it.live(
    "run a handler of one pod for what all have, in order, with its retries and fates",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const dir = yield* agentsWith({ "worker.ts": worker })
        const pods = yield* threePods(url, { AGENTS_DIR: dir })
        yield* one(pods, 1, "/v1/subscriptions/seen", "PUT", { topic: "done" })
        const ids = new Map<number, string>()
        for (let n = 0; n < 60; n++) {
          const body = { payload: n, key: `k${n % 20}` }
          const { body: accepted } = yield* one(
            pods,
            n % 3,
            "/v1/topics/work/messages",
            "POST",
            body
          )
          ids.set(n, accepted.id)
        }
        const seen = yield* payloads(pods.all[2]?.url ?? "", "seen", 59)
        const expected = Array.from({ length: 60 }, (_, n) => n).filter((n) => n !== 7)
        assert.deepStrictEqual(seen.map(Number).toSorted((a, b) => a - b), expected)
        for (const key of Array.from({ length: 20 }, (_, n) => n)) {
          const ofKey = seen.map(Number).filter((n) => n % 20 === key)
          assert.deepStrictEqual(ofKey, ofKey.toSorted((a, b) => a - b))
        }
        const { body: { deadLetters } } = yield* eventually(
          call(`${pods.all[1]?.url}/v1/dead-letters`, "GET"),
          ({ body }) => body.deadLetters.length === 1
        )
        assert.strictEqual(deadLetters[0]?.attempts, 1)
        assert.include(deadLetters[0]?.error, "seven")
        const pull = { max: 1, waitMs: 0 }
        const refused = yield* one(pods, 2, "/v1/subscriptions/worker/pull", "POST", pull)
        assert.strictEqual(refused.status, 409)

        // Without the pod that has the code, consumers may pull again.
        const [first] = pods.all
        if (first === undefined) return
        assert.strictEqual(yield* stop(first, "SIGTERM"), 0)
        pods.all.shift()
        yield* eventually(
          one(pods, 0, "/v1/subscriptions/worker/pull", "POST", pull),
          ({ status }) => status === 200
        )
      })),
    timeoutMs
  )
})
