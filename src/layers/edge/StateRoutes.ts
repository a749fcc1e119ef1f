/**
 * The state of the bus: where a message is, shards, build and limits, probes.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { MessageBus } from "../../services/MessageBus.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { isoOf, statusText } from "./MessageText.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { Refusal } from "./Refusal.ts"
import { json, jsonText, type Request, type Route } from "./Web.ts"

type Bus = MessageBus["Service"]

/** What `/v1/info` says that the bus does not know. `startedAt` is Unix milliseconds. */
export interface Build {
  readonly version: string
  readonly profile: string
  readonly runtime: string
  readonly startedAt: number
}

const get = { method: "GET", access: "known", body: undefined, waits: false } as const
const probe = { ...get, access: "open" } as const

/** `/v1/messages/{id}`, `/v1/shards`, `/v1/info` and the probes. */
export const stateRoutes = (bus: Bus, build: Build): ReadonlyArray<Route> => [
  { ...get, access: "consume", pattern: "/v1/messages/{id}", handle: message(bus) },
  { ...get, pattern: "/v1/shards", handle: shards(bus) },
  { ...get, pattern: "/v1/info", handle: () => info(bus, build) },
  { ...probe, pattern: "/readyz", handle: () => Effect.sync(() => readiness(bus)) },
  { ...probe, pattern: "/startupz", handle: () => Effect.succeed(json(200, { status: "ok" })) },
  ...livenessRoutes
]

/** `/livez`: this process answers. It looks at no dependency, whose failure no restart mends. */
export const livenessRoutes: ReadonlyArray<Route> = [
  { ...probe, pattern: "/livez", handle: () => Effect.succeed(json(200, { status: "ok" })) }
]

const message = (bus: Bus) => ({ params }: Request) => {
  const id = params["id"] ?? ""
  return Effect.flatMap(
    bus.status(id),
    Option.match({
      onNone: () => Effect.fail(Refusal.MessageUnknown({ id })),
      onSome: (status) => Effect.succeed(jsonText(200, statusText(status)))
    })
  )
}

/** One pod is its cluster, so both scopes say the same. */
const decodeScope = queryDecoder(
  Schema.Struct({ scope: Schema.optionalKey(Schema.Literals(["pod", "cluster"])) })
)

const shards = (bus: Bus) =>
  Effect.fnUntraced(function*({ head }: Request) {
    yield* Effect.fromResult(decodeScope(head.query))
    const snapshot = bus.snapshot()
    return json(200, {
      count: snapshot.shards.length,
      shards: snapshot.shards.map(({ bytes, id, inFlight, queued, workers }) => ({
        id,
        state: snapshot.state.toLowerCase(),
        queued,
        bytes,
        workers,
        inFlight
      }))
    })
  })

const info = (bus: Bus, build: Build) =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    json(200, {
      name: "codefactory",
      version: build.version,
      profile: build.profile,
      durability: bus.durability,
      runtime: build.runtime,
      startedAt: isoOf(build.startedAt),
      uptimeMs: now - build.startedAt,
      limits: edgeLimits
    }))

const readiness = (bus: Bus) => {
  const { degraded, state } = bus.snapshot()
  return state === "Running"
    ? json(200, { status: degraded.length === 0 ? "ok" : "degraded", degraded })
    : json(503, { status: "closing", degraded })
}
