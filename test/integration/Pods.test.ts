/**
 * Several pods over one real PostgreSQL: one bus, whichever pod is asked, while pods are killed,
 * stand still and are replaced.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { databases, rowsOf } from "../servers/Databases.ts"
import { one, podOver, type Pods, settled, threePods } from "./Fleet.ts"
import { type Service, stop } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { quantile, say, type Verdict } from "./Verdict.ts"

const { newDatabase } = databases()

const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** Rounds of all faults. */
const rounds = isLong ? 20 : 1

/** How long a pod stands still: longer than it may show no sign of life. */
const stillFor = Duration.seconds(isLong ? 20 : 12)

/** 300 messages per second in many keys. */
const plan = { ...planDefault, keys: isLong ? 1_000 : 200, rate: 300 }

/** Only ends what hangs. */
const timeoutMs = isLong ? 3_600_000 : 300_000

/** What was seen of all rounds, to be told; times in seconds. */
interface Seen {
  readonly adoptions: Array<number>
  stale: number
}

/** Until another pod has everything that one had; in seconds. */
const adopted = (url: string, { process: { pid } }: Service) =>
  Effect.gen(function*() {
    const begun = performance.now()
    const left = `SELECT 1 FROM codefactory.partitions WHERE owner LIKE '%process ${pid}'`
    while ((yield* rowsOf(url, left)).length > 0) yield* Effect.sleep("100 millis")
    return (performance.now() - begun) / 1_000
  })

/** Commits that the epoch refused in one pod. */
const staleCommits = ({ metricsUrl }: Service) =>
  Effect.promise(async () => {
    const text = await (await fetch(`${metricsUrl}/metrics`)).text()
    return Number(/^message_bus_stale_commits_total (\d+)$/mu.exec(text)?.[1] ?? 0)
  })

const kill = Effect.fnUntraced(function*(url: string, pods: Pods, seen: Seen) {
  const [victim] = pods.all
  if (victim === undefined) return
  pods.away.add(victim)
  yield* stop(victim, "SIGKILL")
  seen.adoptions.push(yield* adopted(url, victim))
  pods.replace(victim, yield* podOver(url))
  yield* settled(url, pods.all)
})

const standStill = Effect.fnUntraced(function*(url: string, pods: Pods, seen: Seen) {
  const victim = pods.all[1]
  if (victim === undefined) return
  pods.away.add(victim)
  victim.process.kill("SIGSTOP")
  const adopting = yield* Effect.forkChild(adopted(url, victim))
  yield* Effect.sleep(stillFor)
  seen.adoptions.push(yield* Fiber.join(adopting))
  victim.process.kill("SIGCONT")
  pods.away.delete(victim)
  yield* settled(url, pods.all)
  seen.stale += yield* staleCommits(victim)
})

const roll = Effect.fnUntraced(function*(url: string, pods: Pods) {
  for (const old of [...pods.all]) {
    const next = yield* podOver(url)
    pods.away.add(old)
    assert.strictEqual(yield* stop(old, "SIGTERM"), 0, old.said())
    pods.replace(old, next)
    yield* settled(url, pods.all)
  }
})

const assertKept = (what: string, verdict: Verdict): void => {
  say(what, verdict)
  const { accepted, inversions, lost, phantoms } = verdict
  assert.isAbove(accepted, 100) // It was under way all the time.
  assert.deepStrictEqual({ inversions, lost, phantoms }, { inversions: 0, lost: 0, phantoms: 0 })
}

describe("several pods over PostgreSQL", () => {
  it.live(
    "are one bus: what is published, pulled, acknowledged and asked at any of them",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const pods = yield* threePods(url)
        const created = yield* one(pods, 0, "/v1/subscriptions/s", "PUT", { topic: "t" })
        assert.strictEqual(created.status, 201)
        const again = yield* one(pods, 1, "/v1/subscriptions/s", "PUT", { topic: "t" })
        assert.strictEqual(again.status, 200)
        const ids = new Set<string>()
        for (let n = 0; n < 60; n++) {
          const body = { payload: n, key: `k${n}`, idempotencyKey: `i${n}` }
          const first = yield* one(pods, n % 3, "/v1/topics/t/messages", "POST", body)
          const repeat = yield* one(pods, (n + 1) % 3, "/v1/topics/t/messages", "POST", body)
          assert.deepStrictEqual([first.status, repeat.status], [202, 202])
          assert.strictEqual(repeat.body.id, first.body.id)
          ids.add(first.body.id)
        }
        const batch = Array.from(
          { length: 60 },
          (_, n) => ({ topic: "t", payload: n, key: `b${n}` })
        )
        const many = yield* one(pods, 2, "/v1/messages", "POST", batch)
        assert.strictEqual(many.status, 202)
        for (const { id } of many.body.results) ids.add(id)
        assert.strictEqual(ids.size, 120)
        const taken = new Set<string>()
        for (let tries = 0; taken.size < 120 && tries < 30; tries++) { // Ends what hangs.
          const pull = { max: 50, waitMs: 500 }
          const { body } = yield* one(pods, tries % 3, "/v1/subscriptions/s/pull", "POST", pull)
          const ackIds = body.deliveries.map(({ ackId }) => ackId)
          for (const { message } of body.deliveries) taken.add(message.id)
          const acked = yield* one(pods, (tries + 1) % 3, "/v1/subscriptions/s/ack", "POST", {
            ackIds
          })
          assert.strictEqual(acked.body.done, ackIds.length)
        }
        assert.deepStrictEqual(taken, ids)
        for (const id of [...ids].slice(0, 9)) {
          for (const at of [0, 1, 2]) {
            assert.strictEqual((yield* one(pods, at, `/v1/messages/${id}`, "GET")).status, 200)
          }
        }
        const waiting = yield* Effect.forkChild(
          one(pods, 0, "/v1/subscriptions/s/pull", "POST", { max: 1, waitMs: 20_000 })
        )
        yield* Effect.sleep("300 millis")
        // One of each pod's own keys, so that one at least is of another pod.
        for (const key of ["a", "b", "c", "d"]) {
          yield* one(pods, 1, "/v1/topics/t/messages", "POST", { payload: 1, key })
        }
        const { body } = yield* Fiber.join(waiting)
        assert.isAbove(body.deliveries.length, 0)
        for (const { metricsUrl } of pods.all) {
          const text = yield* Effect.promise(() =>
            fetch(`${metricsUrl}/metrics`).then((r) => r.text())
          )
          assert.match(text, /^message_bus_partitions_owned 2[0-9]$/mu)
          assert.match(text, /^message_bus_peers 2$/mu)
          assert.match(text, /^message_bus_forwarded_total [1-9]/mu)
          assert.match(text, /^database_connections\{pool="log"\} [1-9]/mu)
        }
        const gone = yield* one(pods, 2, "/v1/subscriptions/s", "DELETE")
        assert.strictEqual(gone.status, 204)
        for (const at of [0, 1, 2]) {
          assert.strictEqual((yield* one(pods, at, "/v1/subscriptions/s", "GET")).status, 404)
        }
      })),
    timeoutMs
  )

  it.live(
    "F1: one killed, one that stands still, all replaced in turn: nothing lost, in order",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const pods = yield* threePods(url)
        const running = yield* traffic(pods.url, plan)
        const seen: Seen = { adoptions: [], stale: 0 }
        for (let round = 0; round < rounds; round++) {
          yield* kill(url, pods, seen)
          yield* standStill(url, pods, seen)
          yield* roll(url, pods)
        }
        const { adoptions, stale } = seen
        say("adoption", {
          rounds,
          median: quantile(adoptions, 0.5),
          longest: Math.max(...adoptions),
          staleCommitsRefused: stale
        })
        assertKept("pods", yield* running.finish)
      })),
    timeoutMs
  )
})
