/**
 * The clock on the wall jumps while the service runs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import process from "node:process"
import { fakeTime } from "./FakeTime.ts"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { traffic } from "./Traffic.ts"
import { none, say } from "./Verdict.ts"

/** How long the wall steps to and fro. */
const seconds = process.env["CODEFACTORY_LONG"] === "1" ? 60 : 6

const leaseMs = 2_000
const retryMs = 1_500
const windowMs = 3_000

/** Times of this process, which the fake clock does not reach. */
const elapsed = () => performance.now()

const subscriptionOf = ({ url }: Service) => `${url}/v1/subscriptions/jump`

const publish = ({ url }: Service, topic: string, fields: object) =>
  call(`${url}/v1/topics/${topic}/messages`, "POST", fields)

const pull = (service: Service, max = 1, waitMs = 0) =>
  Effect.map(
    call(`${subscriptionOf(service)}/pull`, "POST", { max, waitMs }),
    ({ body }) => body.deliveries
  )

/** What a scrape says of a series without labels. */
const gauge = ({ metricsUrl }: Service, name: string) =>
  Effect.promise(async () => {
    const text = await (await fetch(`${metricsUrl}/metrics`)).text()
    return Number(text.split("\n").find((line) => line.startsWith(`${name} `))?.split(" ")[1])
  })

/** Waits until the service has seen the step: it reads the wall once a second. */
const seen = (service: Service, seconds: number) =>
  Effect.gen(function*() {
    const offset = yield* gauge(service, "message_bus_wall_offset_seconds")
    const said = service.said().includes("the clock on the wall stepped by")
    if (!said || Math.abs(offset - seconds) > 60) return yield* Effect.fail("not yet" as const)
  }).pipe(Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 600 }))

/** One lease, one retry and one key, before and after a step. */
const jump = (service: Service, set: (seconds: number) => void, seconds: number) =>
  Effect.gen(function*() {
    const key = { payload: 1, idempotencyKey: "once" }
    const first = yield* publish(service, "jump.key", key)
    assert.strictEqual(first.status, 202)
    yield* publish(service, "jump.held", { payload: "held" })
    yield* publish(service, "jump.given", { payload: "given back" })
    const heldAt = elapsed()
    const [, held, given] = yield* pull(service, 3)
    const givenAt = elapsed()
    yield* call(`${subscriptionOf(service)}/nack`, "POST", {
      ackIds: [given?.ackId],
      delayMs: retryMs
    })

    set(seconds)
    yield* seen(service, seconds)
    const again = yield* publish(service, "jump.key", key)
    assert.deepInclude<object>(again.body, { id: first.body.id, duplicate: true })
    const acked = yield* call(`${subscriptionOf(service)}/extend`, "POST", {
      ackIds: [held?.ackId],
      byMs: leaseMs
    })
    // Slow machines may have spent the lease before the step was seen: then it tells nothing.
    if (elapsed() - heldAt < leaseMs) assert.deepInclude<object>(acked.body, { done: 1 })

    const back = yield* pull(service, 10, 30_000)
    assert.strictEqual(back[0]?.message.id, given?.message.id)
    assert.isAtLeast(elapsed() - givenAt, retryMs - 50, "the retry comes after its time")
    const ends = yield* pull(service, 10, 30_000)
    assert.isAtLeast(elapsed() - heldAt, leaseMs - 50, "the lease ends after its time")
    assert.isAbove([...back, ...ends].length, 1)
  })

/** A rate limit that is used up before a step. */
const limit = (service: Service, set: (seconds: number) => void, seconds: number) =>
  Effect.gen(function*() {
    const ask = Effect.map(publish(service, "jump.limit", { payload: 1 }), ({ status }) => status)
    const before = elapsed()
    assert.strictEqual(yield* ask, 202)
    assert.strictEqual(yield* ask, 202)
    assert.strictEqual(yield* ask, 429)
    set(seconds)
    yield* seen(service, seconds)
    const status = yield* ask
    // A slow machine may have spent the window before the step was seen: then it tells nothing.
    if (elapsed() - before < windowMs) assert.strictEqual(status, 429)
    const again = Effect.flatMap(ask, (next) => next === 202 ? Effect.void : Effect.fail(next))
    yield* Effect.retry(again, { schedule: Schedule.spaced("100 millis"), times: 600 })
    assert.isAtLeast(elapsed() - before, windowMs - 50, "the window ends after its time")
  })

describe("a service under a wall clock that jumps", () => {
  it.live.each([3_600, -3_600])(
    "F9, P10: ends no lease, retry or idempotency key early after a step of %i s",
    (seconds, context) =>
      Effect.gen(function*() {
        const time = yield* fakeTime
        if (time === undefined) return context.skip("needs a server: libfaketime")
        const service = yield* start(yield* temporaryFolder, time.settings)
        yield* call(subscriptionOf(service), "PUT", { topic: "jump.>", ackTimeoutMs: leaseMs })
        yield* jump(service, time.set, seconds)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      })
  )

  it.live.each([3_600, -3_600])(
    "F9, P10: ends no rate limit early or late after a step of %i s",
    (seconds, context) =>
      Effect.gen(function*() {
        const time = yield* fakeTime
        if (time === undefined) return context.skip("needs a server: libfaketime")
        const service = yield* start(yield* temporaryFolder, {
          ...time.settings,
          RATE_LIMIT_MAX_REQUESTS: "2",
          RATE_LIMIT_WINDOW_SECONDS: String(windowMs / 1_000)
        })
        yield* limit(service, time.set, seconds)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      })
  )

  it.live("F9, P10: loses, repeats and reorders nothing in steps of 5 s each second", (context) =>
    Effect.gen(function*() {
      const time = yield* fakeTime
      if (time === undefined) return context.skip("needs a server: libfaketime")
      const service = yield* start(yield* temporaryFolder, time.settings)
      const { finish } = yield* traffic(() => service.url)
      for (let second = 0; second < seconds; second++) {
        time.set(second % 2 === 0 ? 5 : -5)
        yield* Effect.sleep("1 second")
      }
      const verdict = yield* finish
      say(`F9, ${seconds} steps of 5 s`, verdict)
      assert.deepInclude(verdict, none)
      assert.strictEqual(verdict.redelivered, 0)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
