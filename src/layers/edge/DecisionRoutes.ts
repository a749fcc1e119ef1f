/**
 * The decisions of the bus: why it refused, closed a gate or changed by itself.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { MessageBus } from "../../services/MessageBus.ts"
import { isoOf } from "./MessageText.ts"
import { pageFields } from "./PageQuery.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { json, type Request, type Route } from "./Web.ts"

/** Decisions of a page that does not say how many. */
export const decisionsPageDefault = 100

/** Most decisions of one page. */
export const decisionsPageMax = 1_000

/** `/v1/decisions`: ascending by id, so the newest come last. */
export const decisionRoutes = (bus: MessageBus["Service"]): ReadonlyArray<Route> => [
  {
    method: "GET",
    access: "admin",
    pattern: "/v1/decisions",
    body: undefined,
    waits: false,
    handle: list(bus)
  }
]

/** The query of a page of decisions. */
export const decodePage = queryDecoder(Schema.Struct({
  kind: Schema.optionalKey(Schema.String),
  subject: Schema.optionalKey(Schema.String),
  ...pageFields(decisionsPageMax)
}))

const list = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ head }: Request) {
    const { after = "-1", limit = `${decisionsPageDefault}`, ...filter } = yield* Effect.fromResult(
      decodePage(head.query)
    )
    const found = bus.decisions(filter, Number(after), Number(limit) + 1)
    const page = found.slice(0, Number(limit))
    const last = page[page.length - 1]
    return json(200, {
      decisions: page.map(({ at, id, ...decision }) => ({
        id: `${id}`,
        at: isoOf(at),
        ...decision
      })),
      ...(found.length > page.length && last !== undefined ? { next: `${last.id}` } : {})
    })
  })
