/**
 * The state of the bus: where a message is, build and limits, probes.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Agents } from "../../services/Agents.ts"
import type { ApiKeys } from "../../services/ApiKeys.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { isoOf, statusText } from "./MessageText.ts"
import { permitTopic } from "./Permission.ts"
import { Refusal } from "./Refusal.ts"
import { isOfAll } from "./ShardRoutes.ts"
import { json, jsonText, type Request, type Route } from "./Web.ts"

type Bus = MessageBus["Service"]
type Looked = ReturnType<Agents["Service"]["snapshot"]>

/** What `/v1/info` says that the bus does not know. `startedAt` is Unix milliseconds. */
export interface Build {
  readonly version: string
  readonly profile: string
  readonly runtime: string
  readonly startedAt: number
}

const get = { method: "GET", access: "known", body: undefined, waits: false } as const
const probe = { ...get, access: "open" } as const

/** `/v1/messages/{id}`, `/v1/snapshot`, `/v1/info` and the probes. */
export const stateRoutes = (
  bus: Bus,
  keys: ApiKeys["Service"],
  agents: Agents["Service"],
  build: Build
): ReadonlyArray<Route> => [
  { ...get, access: "consume", pattern: "/v1/messages/{id}", handle: message(bus) },
  {
    ...get,
    access: "admin",
    pattern: "/v1/snapshot",
    handle: snapshot(bus)
  },
  { ...get, pattern: "/v1/info", handle: () => info(bus, agents, build) },
  {
    ...probe,
    pattern: "/readyz",
    handle: () => Effect.sync(() => readiness(bus, keys, agents.snapshot()))
  },
  { ...probe, pattern: "/startupz", handle: () => Effect.sync(() => startup(agents.snapshot())) },
  ...livenessRoutes
]

/** `/livez`: this process answers. It looks at no dependency, whose failure no restart mends. */
export const livenessRoutes: ReadonlyArray<Route> = [
  { ...probe, pattern: "/livez", handle: () => Effect.succeed(json(200, { status: "ok" })) }
]

/** The state of the pod that is asked, or of all that it knows. */
const snapshot = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    return (yield* Effect.fromResult(isOfAll(request)))
      ? json(200, { pods: yield* bus.pods })
      : json(200, bus.snapshot())
  })

const message = (bus: Bus) =>
  Effect.fnUntraced(function*({ caller, params }: Request) {
    const id = params["id"] ?? ""
    const status = yield* bus.status(id)
    if (Option.isNone(status)) return yield* Effect.fail(Refusal.MessageUnknown({ id }))
    yield* permitTopic(caller, "consume", status.value.message.topic)
    return jsonText(200, statusText(status.value))
  })

const info = (bus: Bus, agents: Agents["Service"], build: Build) =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    json(200, {
      name: "codefactory",
      version: build.version,
      profile: build.profile,
      durability: bus.durability,
      runtime: build.runtime,
      startedAt: isoOf(build.startedAt),
      uptimeMs: now - build.startedAt,
      limits: edgeLimits,
      agents: agentsShown(agents.snapshot())
    }))

const agentsShown = ({ failed, loaded, loading }: Looked) => ({ loading, loaded, failed })

/** `/startupz`: whether each agent was loaded or given up, and which. */
const startup = (agents: Looked) =>
  agents.state === "Started"
    ? json(200, { status: "ok", agents: agentsShown(agents) })
    : json(503, { status: "starting", agents: agentsShown(agents) })

/** `/readyz`: traffic comes when agents run; one that failed degrades the process it lacks in. */
const readiness = (bus: Bus, keys: ApiKeys["Service"], agents: Looked) => {
  const { degraded: ofBus, state } = bus.snapshot()
  const degraded = [
    ...ofBus,
    ...(keys.counts().stale ? [keysStale] : []),
    ...agents.failed.map(({ agent, reason }) => `agent ${agent}: ${reason}`)
  ]
  return state !== "Running"
    ? json(503, { status: state === "Leaving" ? "leaving" : "closing", degraded })
    : agents.state === "Starting"
    ? json(503, { status: "starting", degraded })
    : json(200, { status: degraded.length === 0 ? "ok" : "degraded", degraded })
}

const keysStale = "the API keys were changed to something unusable; the former ones are in force"
