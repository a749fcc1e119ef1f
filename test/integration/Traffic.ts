/**
 * Traffic: publishers and a consumer of one service, which record everything for a verdict.
 */
import { Effect, Exit, Fiber, type Scope } from "effect"
import { call } from "./Service.ts"
import { placeOf, Records, type Sent, sha256, type Verdict, verdictOf } from "./Verdict.ts"

/** How much traffic there is. */
export interface Plan {
  /** The topic of a key; subscriptions take all of `pattern`. */
  readonly topicOf: (key: number) => string
  readonly pattern: string
  readonly keys: number
  /** Publishers that work at once; each owns its share of the keys, so that their order holds. */
  readonly publishers: number
  /** Messages of one request. */
  readonly batch: number
  /** Messages per second of all publishers together; `Infinity`: as fast as they are taken. */
  readonly rate: number
  readonly payloadBytes: number
  /** Whether messages have idempotency keys: without, what got no answer is not sent again. */
  readonly keyed: boolean
  /** Options of the subscription. */
  readonly subscription: object
  /** How long the consumer takes for a pull while there are publishers, in milliseconds. */
  readonly thinkMs: number
  readonly pullMax: number
}

/** 200 messages per second in 50 keys, 1 kB each. Source: faults, "Fault matrix". */
export const planDefault: Plan = {
  topicOf: (key) => `traffic.t${key % 10}`,
  pattern: "traffic.>",
  keys: 50,
  publishers: 4,
  batch: 1,
  rate: 200,
  payloadBytes: 1_000,
  keyed: true,
  subscription: { maxAttempts: 100 },
  thinkMs: 0,
  pullMax: 500
}

/** Running traffic. */
export interface Traffic {
  readonly records: Records
  /** Ends the publishers, waits until everything accepted was delivered, and judges. */
  readonly finish: Effect.Effect<Verdict>
}

/** How often something is tried again before a run is given up, 20 ms apart. */
const patience = 6_000

/** Starts traffic against the service that `urlOf` names at the moment. */
export const traffic = (
  urlOf: () => string,
  plan: Plan = planDefault
): Effect.Effect<Traffic, never, Scope.Scope> =>
  Effect.gen(function*() {
    const records = new Records()
    const sent = new Map<string, Sent>()
    const state = { publishing: true, consuming: true }
    yield* patiently(Effect.suspend(() =>
      call(`${urlOf()}/v1/subscriptions/traffic`, "PUT", {
        topic: plan.pattern,
        ...plan.subscription
      })
    ))
    const publishers = yield* Effect.forEach(
      Array.from({ length: plan.publishers }, (_, publisher) => publisher),
      (publisher) => Effect.forkScoped(publish(urlOf, plan, publisher, records, sent, state))
    )
    const consumer = yield* Effect.forkScoped(consume(urlOf, plan, records, state))
    const finish = Effect.gen(function*() {
      state.publishing = false
      yield* Effect.forEach(publishers, Fiber.join)
      for (let tries = 0; tries < patience && !records.isComplete; tries++) yield* Effect.sleep(20)
      state.consuming = false
      yield* Fiber.join(consumer)
      return verdictOf(records, sent)
    })
    return { records, finish }
  })

/** Again while there is no service, or none that answers with success. */
const patiently = <A>(effect: Effect.Effect<A, unknown>): Effect.Effect<A> =>
  Effect.orDie(Effect.retry(
    Effect.catch(effect, () => Effect.andThen(Effect.sleep(20), Effect.fail("again"))),
    { times: patience }
  ))

const publish = (
  urlOf: () => string,
  plan: Plan,
  publisher: number,
  records: Records,
  sent: Map<string, Sent>,
  state: { readonly publishing: boolean }
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const pauseMs = plan.batch * plan.publishers / plan.rate * 1_000
    const startedAt = performance.now()
    for (let round = 0; state.publishing; round++) {
      const items = Array.from({ length: plan.batch }, (_, at) => {
        const turn = round * plan.batch + at
        const owned = Math.ceil((plan.keys - publisher) / plan.publishers)
        const key = publisher + plan.publishers * (turn % owned)
        return itemOf(plan, key, Math.floor(turn / owned) + 1, sent)
      })
      yield* sendAll(urlOf, items, records, plan.keyed)
      const ahead = startedAt + (round + 1) * pauseMs - performance.now()
      if (ahead > 0) yield* Effect.sleep(ahead)
    }
  })

interface Item {
  readonly sent: Sent
  readonly body: object
}

const itemOf = (plan: Plan, keyNumber: number, n: number, sent: Map<string, Sent>): Item => {
  const key = `k${keyNumber}`
  const text = `${key} ${n} `.padEnd(plan.payloadBytes, "x")
  const one = { key, n, sha256: sha256(text) }
  sent.set(placeOf(one), one)
  const topic = plan.topicOf(keyNumber)
  return {
    sent: one,
    body: {
      topic,
      key,
      ...(plan.keyed ? { idempotencyKey: placeOf(one) } : {}),
      payload: { key, n, text }
    }
  }
}

/** What a batch is answered with; a refused item has an error in place of an id. */
interface Results {
  readonly results?: ReadonlyArray<{
    readonly id?: string
    readonly duplicate?: boolean
    readonly error?: { readonly status: number }
  }>
}

/** Sends until each item is accepted: in order, the rest of a batch that was refused in part. */
const sendAll = (
  urlOf: () => string,
  items: ReadonlyArray<Item>,
  records: Records,
  keyed: boolean
): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let left = items, tries = 0; left.length > 0 && tries < patience; tries++) {
      const before = performance.now()
      const answer = yield* Effect.exit(
        call(`${urlOf()}/v1/messages`, "POST", left.map(({ body }) => body))
      )
      const reply = Exit.isSuccess(answer) ? answer.value : undefined
      records.answered(reply?.status ?? 0)
      records.slowestMs = Math.max(records.slowestMs, performance.now() - before)
      const results = (reply?.body as Results | undefined)?.results ?? []
      results.forEach(({ duplicate, error, id }, at) => {
        const item = left[at]
        if (duplicate === true) records.answeredLate++
        if (error?.status === 429) records.shed++
        if (id !== undefined && item !== undefined) records.accepted.set(id, item.sent)
      })
      if (reply?.status === 202) records.latencies.push(performance.now() - before)
      if (reply === undefined && !keyed) return
      left = left.filter((_, at) => results[at]?.id === undefined)
      if (left.length > 0) yield* Effect.sleep(50)
    }
  })

interface Leased {
  readonly ackId: string
  readonly attempt: number
  readonly message: {
    readonly id: string
    readonly payload: { readonly key: string; readonly n: number; readonly text: string }
  }
}

const consume = (
  urlOf: () => string,
  plan: Plan,
  records: Records,
  state: { readonly consuming: boolean; readonly publishing: boolean }
): Effect.Effect<void> =>
  Effect.gen(function*() {
    while (state.consuming) {
      yield* Effect.catch(
        turn(`${urlOf()}/v1/subscriptions/traffic`, plan, records, state.publishing),
        () => Effect.sleep(20)
      )
    }
  })

const turn = (subscription: string, plan: Plan, records: Records, isSlow: boolean) =>
  Effect.gen(function*() {
    const pulled = yield* call(`${subscription}/pull`, "POST", { max: plan.pullMax, waitMs: 500 })
    if (pulled.status !== 200) return yield* Effect.fail(pulled.status)
    const deliveries = pulled.body.deliveries as unknown as ReadonlyArray<Leased>
    for (const { attempt, message: { id, payload: { key, n, text } } } of deliveries) {
      records.received.push({ id, attempt, key, n, sha256: sha256(text) })
      records.seen.add(id)
    }
    if (deliveries.length === 0) return
    if (isSlow && plan.thinkMs > 0) yield* Effect.sleep(plan.thinkMs)
    const ackIds = deliveries.map(({ ackId }) => ackId)
    const acked = yield* call(`${subscription}/ack`, "POST", { ackIds })
    if (acked.status !== 200) return yield* Effect.fail(acked.status)
    const { unknown } = acked.body as unknown as { unknown: ReadonlyArray<string> }
    for (const { ackId, message: { id } } of deliveries) {
      if (!unknown.includes(ackId)) records.effects.set(id, (records.effects.get(id) ?? 0) + 1)
    }
  })
