/**
 * Capacity over HTTP: the guide's formulas with what this pod has measured of itself, or with what
 * is given.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import {
  capacityExample,
  type CapacityInputs,
  capacityOf,
  measuredOf
} from "../../domain/Capacity.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { json, type Request, type Route } from "./Web.ts"

/** The route of the planner, `/v1/capacity`. */
export const capacityRoutes = (bus: MessageBus["Service"]): ReadonlyArray<Route> => [
  {
    method: "GET",
    access: "admin",
    pattern: "/v1/capacity",
    body: undefined,
    waits: false,
    handle: plan(bus)
  }
]

const above = (minimum: number) =>
  Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isBetween({ minimum, maximum: 1e12 }))
  )

/** The query: what to plan for, in place of what is measured or usual. */
export const decodeInputs = queryDecoder(Schema.Struct({
  shards: above(1),
  workers: above(1),
  processingMs: above(0.001),
  queueMax: above(1),
  peakPerSecond: above(0),
  margin: above(1),
  coresPerWorker: above(0),
  coresBeside: above(0),
  messageBytes: above(0),
  workerBytes: above(0),
  bytesBeside: above(0),
  connections: above(0)
}))

const plan = (bus: MessageBus["Service"]) =>
  Effect.fnUntraced(function*({ head }: Request) {
    const given = yield* Effect.fromResult(decodeInputs(head.query))
    const measured = measuredOf(bus.snapshot())
    const inputs: CapacityInputs = { ...capacityExample, ...measured, ...given }
    return json(200, { inputs, measured: Object.keys(measured), ...capacityOf(inputs) })
  })
