/**
 * Pods that share only a Redis, under traffic, while each of them dies or stands still in turn.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { redisServer } from "../servers/Redises.ts"
import { type ApartPod, apartPods, restarted, settled } from "./Apart.ts"
import { stop } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { say } from "./Verdict.ts"

const redis = redisServer()

/** Faults of a run: of each pod in turn, killed and stopped by turns. */
const faults = process.env["CODEFACTORY_LONG"] === "1" ? 20 : 3

/** Ends what hangs. */
const timeoutMs = 600_000

describe("pods with a Redis only, under traffic", () => {
  it.live(
    "F1: lose nothing that they accepted while they are killed, stopped and come back",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* redis
        const pods: Array<ApartPod> = [...yield* apartPods(server, 3)]
        const away = new Set<number>()
        const state = { turn: 0 }
        const urlOf = () => {
          const there = pods.filter((_, at) => !away.has(at))
          return there[state.turn++ % there.length]?.service.url ?? ""
        }
        const running = yield* traffic(urlOf, { ...planDefault, keyed: false, rate: 100 })
        for (let fault = 0; fault < faults; fault++) {
          const at = fault % pods.length
          const pod = pods[at]
          if (pod === undefined) return
          yield* Effect.sleep("1 second")
          if (fault % 2 === 0) {
            away.add(at)
            yield* stop(pod.service, "SIGKILL")
            yield* Effect.sleep("500 millis")
            pods[at] = yield* restarted(server, pod)
            away.delete(at)
          } else {
            pod.service.process.kill("SIGSTOP")
            away.add(at)
            yield* Effect.sleep("3 seconds")
            pod.service.process.kill("SIGCONT")
            away.delete(at)
          }
        }
        yield* settled(pods)
        const verdict = yield* running.finish
        say("F1 apart", { faults, ...verdict })
        const { accepted, duplicates, lost, phantoms } = verdict
        assert.isAbove(accepted, 100)
        assert.deepStrictEqual([duplicates, lost, phantoms], [0, 0, 0])
        for (const { service } of pods) assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      })),
    timeoutMs
  )
})
