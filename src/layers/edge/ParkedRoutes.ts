/**
 * Parked deliveries of a subscription: list by page, release, drop.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { MessageBus } from "../../services/MessageBus.ts"
import type { Parked } from "../../services/Parked.ts"
import { bodyObject, decoder, jsonBody } from "./BodyDecoding.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { parkedText } from "./MessageText.ts"
import { digits, pageFields } from "./PageQuery.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { json, jsonText, type Request, type Route } from "./Web.ts"

type Bus = MessageBus["Service"]

const all = "/v1/subscriptions/{name}/parked"
const one = { access: "replay", waits: false } as const

/** Deliveries of a page that does not say how many. */
export const parkedPageDefault = 100

/** `/v1/subscriptions/{name}/parked` and `/release` under it. */
export const parkedRoutes = (bus: Bus): ReadonlyArray<Route> => [
  { ...one, method: "GET", pattern: all, body: undefined, handle: list(bus) },
  { ...one, method: "DELETE", pattern: all, body: undefined, handle: drop(bus) },
  { ...one, method: "POST", pattern: `${all}/release`, body: jsonBody, handle: release(bus) }
]

/** The query of a page of parked deliveries. */
export const decodePage = queryDecoder(Schema.Struct({
  ...pageFields(edgeLimits.parkedPageMax)
}))

const list = (bus: Bus) =>
  Effect.fnUntraced(function*({ head, params }: Request) {
    const { name } = yield* bus.subscription(params["name"] ?? "")
    const { after = "-1", limit = `${parkedPageDefault}` } = yield* Effect.fromResult(
      decodePage(head.query)
    )
    const { last, more, texts } = yield* readPage(bus.parked, name, Number(after), Number(limit))
    return jsonText(
      200,
      `{"parked":[${texts.join(",")}]${more ? `,"next":"${last}"` : ""}}`
    )
  })

/** As many as asked for, or as the bytes of a page allow. */
const readPage = Effect.fnUntraced(
  function*(parked: Parked, subscription: string, after: number, limit: number) {
    const found = yield* parked.list({ subscription }, after, limit + 1)
    const texts: Array<string> = []
    let length = 0 // A running sum.
    let last = after
    for (const delivery of found) {
      const text = parkedText(delivery)
      length += text.length
      const isFull = texts.length === limit ||
        (texts.length > 0 && length > edgeLimits.pullBytesMax)
      if (isFull) return { texts, last, more: true }
      texts.push(text)
      last = delivery.id
    }
    return { texts, last, more: false }
  }
)

/** The body of a release. */
export const decodeRelease = decoder(
  Schema.Struct({ ids: Schema.optionalKey(Schema.Array(digits)) })
)

/** Without `ids` all of the subscription. */
const release = (bus: Bus) =>
  Effect.fnUntraced(function*({ body, params }: Request) {
    const { name } = yield* bus.subscription(params["name"] ?? "")
    const { ids } = yield* Effect.fromResult(
      decodeRelease(yield* Effect.fromResult(bodyObject(body)))
    )
    return json(200, yield* bus.parked.release({ subscription: name, ids: ids?.map(Number) }))
  })

/** The query of a drop. */
export const decodeDrop = queryDecoder(Schema.Struct({
  ids: Schema.String.check(
    Schema.isPattern(/^\d{1,15}(,\d{1,15})*$/, { message: "expected whole numbers and commas" })
  )
}))

/** Only what is named: nothing brings a dropped delivery back. */
const drop = (bus: Bus) =>
  Effect.fnUntraced(function*({ head, params }: Request) {
    const { name } = yield* bus.subscription(params["name"] ?? "")
    const { ids } = yield* Effect.fromResult(decodeDrop(head.query))
    return json(
      200,
      yield* bus.parked.drop({ subscription: name, ids: ids.split(",").map(Number) })
    )
  })
