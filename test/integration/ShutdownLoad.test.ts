/**
 * The service is told to end in the middle of traffic, and a successor takes over.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref, type Scope } from "effect"
import process from "node:process"
import { endOf, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { planDefault, type Traffic, traffic } from "./Traffic.ts"
import { none, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const rounds = isLong ? 10 : 1
const queued = isLong ? 5_000 : 200

const settings = { DRAIN_SECONDS: "5", PRESTOP_DELAY_SECONDS: "1" }

/** What exit, delay and drain may take together, in milliseconds. Source: faults, F12. */
const endMsMax = 1_000 + 5_000 + 5_000

/** 1,000 messages per second, of which the consumer takes a part. */
const plan = {
  ...planDefault,
  rate: 1_000,
  batch: 10,
  payloadBytes: 200,
  pullMax: 100,
  thinkMs: 200,
  subscription: { maxAttempts: 100, ackTimeoutMs: 5_000 }
}

/** Waits until so much is accepted and not delivered. */
const filled = ({ records }: Traffic, count: number) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 3_000; tries++) {
      if (records.accepted.size - records.seen.size >= count) return
      yield* Effect.sleep(20)
    }
  })

/** Ends the service, with a second signal in every other round; gives how long that took. */
const end = (service: Service, round: number): Effect.Effect<number, never, Scope.Scope> =>
  Effect.gen(function*() {
    const before = performance.now()
    service.process.kill("SIGTERM")
    if (round % 2 === 1) service.process.kill("SIGTERM")
    assert.strictEqual(yield* endOf(service.process), 0, service.said())
    return performance.now() - before
  })

describe("a service that ends under load", () => {
  it.live(`F12, P7: ${rounds} SIGTERMs with ${queued} queued lose no message and no answer`, () =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      const service = yield* Ref.make(yield* start(dataDir, settings))
      const running = yield* traffic(() => Ref.getUnsafe(service).url, plan)
      const ends: Array<number> = []
      for (let round = 0; round < rounds; round++) {
        yield* filled(running, queued)
        ends.push(yield* end(yield* Ref.get(service), round))
        yield* Ref.set(service, yield* start(dataDir, settings))
      }
      const verdict = yield* running.finish
      say("F12", { ...verdict, ends })
      assert.deepInclude(verdict, { ...none, fiveXx: verdict.fiveXx })
      assert.strictEqual(verdict.answeredLate, 0, "each acceptance was answered")
      if (isLong) assert.isAtMost(Math.max(...ends), endMsMax)
      assert.strictEqual(yield* stop(yield* Ref.get(service), "SIGTERM"), 0)
    }))

  it.live("F12, P7: counts exactly what memory loses with it", () =>
    Effect.gen(function*() {
      const inMemory = { ...settings, ENABLE_DATABASE: "0" }
      const service = yield* start(yield* temporaryFolder, inMemory)
      const running = yield* traffic(() => service.url, plan)
      yield* filled(running, queued)
      service.process.kill("SIGTERM")
      assert.strictEqual(yield* endOf(service.process), 3, service.said())
      const { accepted, effects } = running.records
      const left = () => accepted.size - effects.size
      const counted = /(\d+) deliveries were not settled and are lost\s*$/.exec(service.said())
      for (let tries = 0; tries < 100 && left() !== Number(counted?.[1]); tries++) {
        yield* Effect.sleep(20) // The last answers may still be on their way to this process.
      }
      say("F12, memory", { accepted: accepted.size, left: left() })
      assert.strictEqual(Number(counted?.[1]), left())
    }))
})
