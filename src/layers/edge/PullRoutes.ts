/**
 * Remote consumers: pull deliveries under a lease, then ack, nack or extend them.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ackTimeoutMsRange } from "../../domain/Subscription.ts"
import { type MessageBus, pullMax, type Settled } from "../../services/MessageBus.ts"
import { bodyObject, decoder, jsonBody } from "./BodyDecoding.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { deliveriesText } from "./MessageText.ts"
import { json, jsonText, type Request, type Route } from "./Web.ts"

/** Deliveries of a pull that does not say how many. */
export const pullDefault = 100

/** `POST /v1/subscriptions/{name}/pull`, `/ack`, `/nack` and `/extend`. */
export const pullRoutes = (bus: MessageBus["Service"]): ReadonlyArray<Route> => [
  { ...post, pattern: "/v1/subscriptions/{name}/pull", waits: true, handle: pull(bus) },
  { ...post, pattern: "/v1/subscriptions/{name}/ack", waits: false, handle: ack(bus) },
  { ...post, pattern: "/v1/subscriptions/{name}/nack", waits: false, handle: nack(bus) },
  { ...post, pattern: "/v1/subscriptions/{name}/extend", waits: false, handle: extend(bus) }
]

const post = { method: "POST", access: "consume", body: jsonBody } as const

const pull = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ body, params }: Request) {
    const object = yield* Effect.fromResult(bodyObject(body))
    const { max, waitMs } = yield* Effect.fromResult(decodePull(object))
    const deliveries = yield* bus.pull(params["name"] ?? "", max ?? pullDefault, waitMs ?? 0)
    return jsonText(200, deliveriesText(deliveries))
  })

const ack = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ body, params }: Request) {
    const object = yield* Effect.fromResult(bodyObject(body))
    const { ackIds } = yield* Effect.fromResult(decodeAck(object))
    return settled(yield* bus.ack(params["name"] ?? "", ackIds))
  })

const nack = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ body, params }: Request) {
    const object = yield* Effect.fromResult(bodyObject(body))
    const { ackIds, delayMs } = yield* Effect.fromResult(decodeNack(object))
    return settled(yield* bus.nack(params["name"] ?? "", ackIds, delayMs ?? 0))
  })

/** Without `byMs` a lease runs for as long as a new one would. */
const extend = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ body, params }: Request) {
    const name = params["name"] ?? ""
    const object = yield* Effect.fromResult(bodyObject(body))
    const { ackIds, byMs } = yield* Effect.fromResult(decodeExtend(object))
    const { options } = yield* bus.subscription(name)
    return settled(yield* bus.extend(name, ackIds, byMs ?? options.ackTimeoutMs))
  })

const settled = ({ done, unknown }: Settled) => json(200, { done, unknown })

const between = (minimum: number, maximum: number) =>
  Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const ackIds = Schema.Array(Schema.String).check(Schema.isMaxLength(edgeLimits.ackIdsMax))

/** The body of a pull. */
export const decodePull = decoder(
  Schema.Struct({ max: between(1, pullMax.count), waitMs: between(0, pullMax.waitMs) })
)
/** The body of an ack. */
export const decodeAck = decoder(Schema.Struct({ ackIds }))
/** The body of a nack. */
export const decodeNack = decoder(
  Schema.Struct({ ackIds, delayMs: between(0, edgeLimits.nackDelayMsMax) })
)
/** The body of an extension. */
export const decodeExtend = decoder(
  Schema.Struct({ ackIds, byMs: between(ackTimeoutMsRange.minimum, ackTimeoutMsRange.maximum) })
)
