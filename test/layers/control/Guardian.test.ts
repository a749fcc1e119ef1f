/**
 * The guardian over a bus that is broken in each way it looks for.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"
import type { DecisionMade } from "../../../src/domain/Decision.ts"
import { healthPolicy, type Verdict } from "../../../src/domain/Health.ts"
import * as Alerting from "../../../src/layers/control/Alerting.ts"
import * as Guardian from "../../../src/layers/control/Guardian.ts"
import { GuardianCounts } from "../../../src/layers/observe/GuardianCounts.ts"

const options: Guardian.GuardianOptions = {
  ...Guardian.guardianDefaults,
  interval: Duration.seconds(30),
  policy: healthPolicy
}

/** A bus that is well until somebody changes that. */
const patient = () => {
  const state = {
    since: undefined as number | undefined,
    waits: 0,
    loopMs: 1,
    usedBytes: 10,
    vitals: { fibreRestarts: 0, runs: 0, errors: 0, logFailure: undefined as string | undefined },
    perLook: () => {}
  }
  const told: Array<Verdict> = []
  const restaffed: Array<number> = []
  const decided: Array<DecisionMade> = []
  const counts = new GuardianCounts()
  const now = { ms: 0 }
  const guarded: Guardian.Guarded = {
    counts,
    shards: () => {
      now.ms += 30_000
      state.perLook()
      const oldestMs = state.since === undefined ? 0 : now.ms - state.since
      return [{ id: 3, oldestMs, queued: { high: 0, normal: state.waits } }]
    },
    vitals: () => ({ ...state.vitals }),
    process: () => ({ loopMs: state.loopMs, usedBytes: state.usedBytes, usableBytes: 100 }),
    restaff: (shard) => Effect.sync(() => void restaffed.push(shard)),
    decide: (decision) => void decided.push(decision),
    tell: (verdict) => Effect.sync(() => void told.push(verdict))
  }
  return { state, told, restaffed, decided, counts, guarded }
}

const looks = (count: number) => TestClock.adjust(Duration.seconds(30 * count))

describe("the guardian", () => {
  it.effect("has nothing to say about a bus that is well, or busy", () =>
    Effect.gen(function*() {
      const { guarded, state, told } = patient()
      yield* Effect.forkScoped(Guardian.run(guarded, options))
      yield* looks(20)
      state.waits = 5_000 // Late, and getting on: another one is first at each look.
      state.since = 0
      state.perLook = () => {
        state.since = (state.since ?? 0) + 10_000
      }
      yield* looks(20)
      assert.isEmpty(told)
    }).pipe(Effect.scoped))

  it.effect("pitfall 30: alerts and heals once where a shard gets nothing done", () =>
    Effect.gen(function*() {
      const { counts, decided, guarded, restaffed, state, told } = patient()
      yield* Effect.forkScoped(Guardian.run(guarded, options))
      state.waits = 7
      state.since = 0
      yield* looks(30)
      assert.deepStrictEqual(told.map(({ component, kind }) => [component, kind]), [
        ["shard 3", "Alert"]
      ])
      assert.deepStrictEqual([restaffed, counts.healings, counts.alerted], [[3], 1, 1])
      assert.deepInclude(decided[0], {
        kind: "guardian",
        subject: "shard 3",
        outcome: "Alert, new workers"
      })
      state.since = undefined
      state.waits = 0
      yield* looks(3)
      assert.deepStrictEqual(told.map(({ kind }) => kind), ["Alert", "Recovered"])
      assert.strictEqual(counts.alerted, 0)
    }).pipe(Effect.scoped))

  type State = ReturnType<typeof patient>["state"]
  it.effect.each<readonly [string, (state: State) => void]>([
    ["event loop", (state) => void (state.loopMs = 1_500)],
    ["memory", (state) => void (state.usedBytes = 95)],
    ["log", (state) => void (state.vitals.logFailure = "the disk is full")],
    ["fibres", (state) => void (state.perLook = () => state.vitals.fibreRestarts++)],
    [
      "handlers",
      (state) =>
        void (state.perLook = () => {
          state.vitals.runs += 200
          state.vitals.errors += 150
        })
    ]
  ])(
    "sees when the %s is broken, and when it is not any more",
    ([component, breaks]) =>
      Effect.gen(function*() {
        const { guarded, restaffed, state, told } = patient()
        yield* Effect.forkScoped(Guardian.run(guarded, options))
        yield* looks(3)
        breaks(state)
        yield* looks(4)
        assert.isEmpty(told)
        yield* looks(6)
        assert.deepStrictEqual(told.map((one) => [one.component, one.kind]), [[component, "Alert"]])
        Object.assign(state, patient().state, {
          vitals: { ...state.vitals, logFailure: undefined }
        })
        yield* looks(4)
        assert.deepStrictEqual(told.map(({ kind }) => kind), ["Alert", "Recovered"])
        assert.isEmpty(restaffed)
      }).pipe(Effect.scoped)
  )
})

/** A webhook that answers with these, one after the other, then with the last one. */
const hook = (statuses: ReadonlyArray<number>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly got: Array<string>; close: () => void }>(
      (resume) => {
        const got: Array<string> = []
        const server = createServer((request, response) => {
          let body = ""
          request.on("data", (chunk) => body += chunk)
          request.on("end", () => {
            got.push(body)
            response.writeHead(statuses[Math.min(got.length, statuses.length) - 1] ?? 500).end()
          })
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          resume(Effect.succeed({
            url: `http://127.0.0.1:${port}/`,
            got,
            close: () => void server.close()
          }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

describe("alerts", () => {
  const verdict: Verdict = { kind: "Alert", component: "log", detail: "full", isHealed: true }

  it.live.each<readonly [ReadonlyArray<number>, number, number]>([
    [[204], 1, 0],
    [[500, 500, 204], 3, 0],
    [[500], 3, 1]
  ])(
    "are posted until they are taken, three times at most: %j",
    ([statuses, posts, failures]) =>
      Effect.gen(function*() {
        const { got, url } = yield* hook(statuses)
        const counts = new GuardianCounts()
        const http = yield* HttpClient.HttpClient
        yield* Alerting.make({ url: Redacted.make(url), http, counts })(verdict)
        assert.lengthOf(got, posts)
        assert.strictEqual(counts.webhookFailures, failures)
        assert.deepStrictEqual(JSON.parse(got[0] ?? ""), {
          kind: "alert",
          component: "log",
          detail: "full"
        })
      }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
  )
})
