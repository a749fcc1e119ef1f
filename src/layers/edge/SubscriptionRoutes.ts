/**
 * Subscriptions: create or change, show, list, delete.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { SubscriptionSnapshot } from "../../domain/Snapshot.ts"
import {
  optionsDefault,
  type Subscription,
  SubscriptionName,
  SubscriptionOptions
} from "../../domain/Subscription.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { bodyObject, decoder, jsonBody } from "./BodyDecoding.ts"
import { permitPattern } from "./Permission.ts"
import type { Refusal } from "./Refusal.ts"
import { empty, json, type Request, type Route } from "./Web.ts"

const pattern = "/v1/subscriptions/{name}"

const quick = { access: "consume", body: undefined, waits: false } as const

/** `PUT`, `GET` and `DELETE /v1/subscriptions/{name}`, `GET /v1/subscriptions`. */
export const subscriptionRoutes = (bus: MessageBus["Service"]): ReadonlyArray<Route> => [
  { ...quick, method: "PUT", pattern, body: jsonBody, handle: put(bus) },
  { ...quick, method: "GET", pattern, handle: get(bus) },
  {
    ...quick,
    method: "DELETE",
    pattern,
    handle: ({ params }) => Effect.as(bus.deleteSubscription(params["name"] ?? ""), empty(204))
  },
  {
    ...quick,
    method: "GET",
    pattern: "/v1/subscriptions",
    handle: ({ caller: { grant } }) =>
      Effect.map(bus.subscriptions, (all) => {
        const reached = all.filter(({ options }) => grant?.covers(options.topic) ?? true)
        return json(200, { subscriptions: shownAll(reached, bus.snapshot().subscriptions) })
      })
  }
]

const put = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ body, caller, params }: Request) {
    const { name } = yield* Effect.fromResult(decodeName({ name: params["name"] }))
    const options = yield* Effect.fromResult(optionsOf(body))
    yield* permitPattern(caller, "consume", options.topic)
    const { created, subscription } = yield* bus.createSubscription(name, options)
    return json(created === "New" ? 201 : 200, shown(subscription, counters(bus, name)))
  })

const get = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ params }: Request) {
    const subscription = yield* bus.subscription(params["name"] ?? "")
    return json(200, shown(subscription, counters(bus, subscription.name)))
  })

const { ackTimeoutMs, filter, from, maxAgeMs, maxAttempts, mode, ordering, topic } =
  SubscriptionOptions.fields

/** The name of a subscription. */
export const decodeName = decoder(Schema.Struct({ name: SubscriptionName }))

const Asked = Schema.Struct({
  topic,
  ordering: Schema.optionalKey(ordering),
  maxAttempts: Schema.optionalKey(maxAttempts),
  ackTimeoutMs: Schema.optionalKey(ackTimeoutMs),
  from: Schema.optionalKey(from),
  mode: Schema.optionalKey(mode),
  maxAgeMs,
  filter
})

/** The body that a subscription is made from. */
export const decodeOptions = decoder(Asked)

const optionsOf = (body: Uint8Array): Result.Result<SubscriptionOptions, Refusal> =>
  Result.map(
    Result.flatMap(bodyObject(body), decodeOptions),
    (asked): SubscriptionOptions => ({ ...optionsDefault, ...asked })
  )

const counters = (bus: MessageBus["Service"], name: string) =>
  bus.snapshot().subscriptions.find((subscription) => subscription.name === name)

/** Options and counters; a subscription that the snapshot does not hold yet has none pending. */
const shown = ({ name, options }: Subscription, live: SubscriptionSnapshot | undefined) => ({
  name,
  topic: options.topic,
  ordering: options.ordering,
  maxAttempts: options.maxAttempts,
  ackTimeoutMs: options.ackTimeoutMs,
  from: options.from,
  mode: options.mode,
  ...(options.maxAgeMs === undefined ? {} : { maxAgeMs: options.maxAgeMs }),
  ...(options.filter === undefined ? {} : { filter: options.filter }),
  pending: live?.pending ?? 0,
  parked: live?.parked ?? 0,
  inFlight: live?.inFlight ?? 0,
  acked: live?.acked ?? 0,
  deadLettered: live?.deadLettered ?? 0,
  deadLetters: live?.deadLetters ?? 0
})

const shownAll = (
  subscriptions: ReadonlyArray<Subscription>,
  live: ReadonlyArray<SubscriptionSnapshot>
) => {
  const byName = new Map(live.map((snapshot) => [snapshot.name, snapshot]))
  return subscriptions.map((subscription) => shown(subscription, byName.get(subscription.name)))
}
