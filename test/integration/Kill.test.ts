/**
 * The service is killed while it is published to and consumed from; nothing accepted is lost.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Random, Ref, Schedule } from "effect"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const seed = Number(process.env["SEED"] ?? 20_261_123)

/** How much is published in how many lives of the process. */
interface Plan {
  readonly messages: number
  readonly batch: number
  readonly kills: number
}

const plans: ReadonlyArray<Plan> = isLong
  ? [{ messages: 50_000, batch: 20, kills: 50 }, { messages: 100_000, batch: 100, kills: 20 }]
  : [{ messages: 4_000, batch: 20, kills: 5 }]

const keys = 50

/** The `n`th message of all; its sequence within its key ascends with `n`. */
const item = (n: number) => ({
  topic: "kill.test",
  key: `k${n % keys}`,
  idempotencyKey: `i${n}`,
  payload: n
})

/** Runs `use` against the service of the moment, again while there is none. */
const patient = <A>(service: Ref.Ref<Service>, use: (url: string) => Effect.Effect<A, Error>) =>
  Effect.flatMap(Ref.get(service), ({ url }) => use(url)).pipe(
    Effect.catch(() => Effect.andThen(Effect.sleep(20), Effect.fail("again" as const))),
    Effect.retry({ times: 3_000 }),
    Effect.orDie
  )

const publishAll = (service: Ref.Ref<Service>, plan: Plan, ids: Map<number, string>) =>
  Effect.forEach(
    Array.from({ length: plan.messages / plan.batch }, (_, at) => at * plan.batch),
    (from) =>
      patient(service, (url) => {
        const items = Array.from({ length: plan.batch }, (_, at) => item(from + at))
        return Effect.flatMap(call(`${url}/v1/messages`, "POST", items), ({ body, status }) => {
          if (status !== 202) return Effect.fail(new Error(`${status} ${JSON.stringify(body)}`))
          body.results.forEach(({ id }, at) => ids.set(from + at, id))
          return Effect.void
        })
      }),
    { discard: true }
  )

interface Seen {
  readonly id: string
  readonly n: number
}

const consume = (service: Ref.Ref<Service>, wanted: number, seen: Map<string, Seen>) =>
  Effect.whileLoop({
    while: () => seen.size < wanted,
    body: () =>
      patient(service, (url) =>
        Effect.gen(function*() {
          const subscription = `${url}/v1/subscriptions/kill`
          const pulled = yield* call(`${subscription}/pull`, "POST", { max: 500, waitMs: 500 })
          if (pulled.status !== 200) return yield* Effect.fail(new Error(String(pulled.status)))
          const { deliveries } = pulled.body
          for (const { message } of deliveries) {
            if (!seen.has(message.id)) seen.set(message.id, { id: message.id, n: message.payload })
          }
          if (deliveries.length === 0) return
          yield* call(`${subscription}/ack`, "POST", { ackIds: deliveries.map((d) => d.ackId) })
        })),
    step: () => {}
  })

/** Kills spread over the whole publishing, each at a random moment of its stretch. */
const kills = (
  service: Ref.Ref<Service>,
  plan: Plan,
  dataDir: string,
  ids: ReadonlyMap<number, string>
) =>
  Effect.forEach(
    Array.from({ length: plan.kills }, (_, round) => round),
    (round) =>
      Effect.gen(function*() {
        const share = (round + (yield* Random.next)) / plan.kills
        const reached = Effect.suspend(() =>
          ids.size >= plan.messages * share * 0.95 ? Effect.void : Effect.fail("not yet" as const)
        )
        yield* Effect.orDie(Effect.retry(reached, Schedule.spaced("2 millis")))
        yield* Effect.sleep(yield* Random.nextIntBetween(0, 12))
        yield* stop(yield* Ref.get(service), "SIGKILL")
        yield* Ref.set(service, yield* start(dataDir))
      }),
    { discard: true }
  )

const kill = (plan: Plan) =>
  Effect.gen(function*() {
    const dataDir = yield* temporaryFolder
    const service = yield* Ref.make(yield* start(dataDir))
    const ids = new Map<number, string>()
    const seen = new Map<string, Seen>()
    const { url } = yield* Ref.get(service)
    yield* call(`${url}/v1/subscriptions/kill`, "PUT", { topic: "kill.>", maxAttempts: 1_000 })
    const killed = yield* Effect.forkChild(kills(service, plan, dataDir, ids))
    const published = yield* Deferred.make<void>()
    yield* Effect.forkChild(
      Effect.andThen(publishAll(service, plan, ids), Deferred.succeed(published, undefined))
    )
    yield* consume(service, plan.messages, seen)
    yield* Deferred.await(published)
    yield* Fiber.join(killed)
    assert.strictEqual(yield* stop(yield* Ref.get(service), "SIGTERM"), 0)

    const order = [...seen.values()]
    assert.strictEqual(ids.size, plan.messages)
    assert.deepStrictEqual(
      new Set(order.map(({ id }) => id)),
      new Set(ids.values()),
      "what was delivered is what was accepted, under one id each"
    )
    for (let key = 0; key < keys; key++) {
      const numbers = order.map(({ n }) => n).filter((n) => n % keys === key)
      assert.deepStrictEqual(numbers, numbers.toSorted((a, b) => a - b), `order of key ${key}`)
    }
  }).pipe(Effect.scoped, Random.withSeed(seed))

describe(`a service that is killed, seed ${seed}`, () => {
  it.live.each(plans)(
    "F1, pitfall 41: loses nothing accepted and keeps the order of every key: %o",
    (plan) => kill(plan),
    600_000
  )
})
