/**
 * The HTTP edge: the API on one port, the metrics on another, over the bus and nothing else.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Agents } from "../../services/Agents.ts"
import { ApiKeys } from "../../services/ApiKeys.ts"
import { EdgeAddress, type EdgeUnbound } from "../../services/EdgeAddress.ts"
import { Executor, nothingRun } from "../../services/Executor.ts"
import { Leases } from "../../services/Leases.ts"
import { MessageBus } from "../../services/MessageBus.ts"
import { RateLimits } from "../../services/RateLimits.ts"
import { Sessions } from "../../services/Sessions.ts"
import { auditCounts, auditSeries } from "../observe/AuditCounts.ts"
import { databaseCounts, databaseSeries } from "../observe/DatabaseCounts.ts"
import { guardianCounts, guardianSeries } from "../observe/GuardianCounts.ts"
import { make as makeMetrics, type Metrics } from "../observe/Metrics.ts"
import { podCounts, podSeries } from "../observe/PodCounts.ts"
import { redisCounts, redisSeries } from "../observe/RedisCounts.ts"
import { scaleCounts, scaleSeries } from "../observe/ScaleCounts.ts"
import { batchRoutes } from "./BatchRoutes.ts"
import { capacityRoutes } from "./CapacityRoutes.ts"
import { deadLetterRoutes } from "./DeadLetterRoutes.ts"
import { decisionRoutes } from "./DecisionRoutes.ts"
import { docRoutes } from "./DocRoutes.ts"
import { makeDoor } from "./Door.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { eventRoutes } from "./EventRoutes.ts"
import type { Patience, Serve } from "./FrontOptions.ts"
import { hostSent, makeGuard } from "./Guard.ts"
import { lockRoutes } from "./LockRoutes.ts"
import { parkedRoutes } from "./ParkedRoutes.ts"
import { withinSubscription } from "./Permission.ts"
import { publishPattern } from "./PublishPath.ts"
import { publishRoutes } from "./PublishRoutes.ts"
import { pullRoutes } from "./PullRoutes.ts"
import { makeRateGate } from "./RateGate.ts"
import { requestRoutes } from "./RequestRoutes.ts"
import { makeRouter } from "./Router.ts"
import { sessionRoutes } from "./SessionRoutes.ts"
import { shardRoutes } from "./ShardRoutes.ts"
import { type Build, livenessRoutes, stateRoutes } from "./StateRoutes.ts"
import { subscriptionRoutes } from "./SubscriptionRoutes.ts"
import type { Route } from "./Web.ts"

/** Where to listen (port 0: any free one) and what `/v1/info` says of the program. */
export interface EdgeOptions {
  readonly host: string
  readonly port: number
  readonly metricsPort: number
  readonly version: string
  readonly profile: string
  /** What runs the program, such as `node 24.0.0`, and the front on its server. */
  readonly runtime: string
  readonly serve: Serve
  /** Whether the client's address stands in `X-Forwarded-For`. */
  readonly proxyTrusted: boolean
  /** Less than a server bears of slow clients, for tests. */
  readonly patience?: Partial<Patience>
}

/** What the API gives access to. */
export interface Served {
  readonly bus: MessageBus["Service"]
  readonly keys: ApiKeys["Service"]
  readonly agents: Agents["Service"]
  readonly leases: Leases["Service"]
  readonly sessions: Sessions["Service"]
}

/** Every route of the API. */
export const apiRoutes = (
  { agents, bus, keys, leases, sessions }: Served,
  build: Build
): ReadonlyArray<Route> => {
  const routes = [
    ...publishRoutes(bus),
    ...requestRoutes(bus),
    ...batchRoutes(bus),
    ...pullRoutes(bus),
    ...subscriptionRoutes(bus),
    ...eventRoutes(bus),
    ...deadLetterRoutes(bus),
    ...decisionRoutes(bus),
    ...capacityRoutes(bus),
    ...shardRoutes(bus),
    ...parkedRoutes(bus),
    ...lockRoutes(leases),
    ...sessionRoutes(sessions),
    ...stateRoutes(bus, keys, agents, build)
  ].map(withinSubscription(bus))
  return [...routes, ...docRoutes(routes, build.version)]
}

/** The routes of the metrics port. */
export const metricsRoutes = ({ contentType, text }: Metrics): ReadonlyArray<Route> => [
  {
    method: "GET",
    pattern: "/metrics",
    access: "open",
    body: undefined,
    waits: false,
    handle: () => Effect.map(text, (body) => ({ status: 200, contentType, headers: {}, body }))
  },
  ...livenessRoutes
]

/** Serves until the scope closes; running requests may finish first. */
export const layer = (
  { host, metricsPort, patience, port, profile, proxyTrusted, runtime, serve, version }: EdgeOptions
): Layer.Layer<
  EdgeAddress,
  EdgeUnbound,
  Agents | ApiKeys | Leases | MessageBus | RateLimits | Sessions
> =>
  Layer.effect(
    EdgeAddress,
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const clock = yield* Clock.Clock
      const startedAt = clock.currentTimeMillisUnsafe()
      const metrics = makeMetrics(bus.snapshot, edgeLimits)
      const keys = yield* ApiKeys
      const guard = keys.required ? hostSent : makeGuard(host)
      const door = makeDoor(keys, proxyTrusted, () => clock.currentTimeMillisUnsafe())
      metrics.door(door.counts, keys.counts)
      yield* observed(metrics)
      const agents = yield* Agents
      metrics.agents(agents.snapshot)
      const limits = yield* RateLimits
      metrics.limiter(limits.counts)
      const rates = makeRateGate(limits, proxyTrusted)
      const front = (
        routes: ReadonlyArray<Route>,
        asked: { readonly port: number; readonly setting: EdgeUnbound["setting"] }
      ) =>
        serve({
          app: {
            guard,
            door,
            rates,
            router: makeRouter(routes),
            publish: routes.find(({ pattern }) => pattern === publishPattern)
          },
          metrics: metrics.http,
          host,
          patience,
          ...asked
        })
      const boundMetrics = yield* front(metricsRoutes(metrics), {
        port: metricsPort,
        setting: "METRICS_PORT"
      })
      const build = { version, profile, runtime, startedAt }
      const bound = yield* front(
        apiRoutes(
          { bus, keys, agents, leases: yield* Leases, sessions: yield* Sessions },
          build
        ),
        { port, setting: "PORT" }
      )
      return EdgeAddress.of({
        host,
        port: bound,
        url: urlOf(host, bound),
        metricsPort: boundMetrics,
        metricsUrl: urlOf(host, boundMetrics)
      })
    })
  )

/** Lets the metrics show what runs beside the bus. */
const observed = (metrics: Metrics) =>
  Effect.gen(function*() {
    const executor = yield* Effect.serviceOption(Executor) // There are buses without agents.
    metrics.executor(Option.match(executor, {
      onNone: () => () => nothingRun,
      onSome: ({ snapshot }) => snapshot
    }))
    const [databases, pods] = [yield* databaseCounts, yield* podCounts]
    const [redis, scaled] = [yield* redisCounts, yield* scaleCounts]
    const [guardian, audit] = [yield* guardianCounts, yield* auditCounts]
    metrics.series(() => [
      ...databaseSeries(databases, performance.now()),
      ...podSeries(pods),
      ...redisSeries(redis),
      ...scaleSeries(scaled),
      ...guardianSeries(guardian),
      ...auditSeries(audit)
    ])
  })

const urlOf = (host: string, port: number) =>
  `http://${host.includes(":") ? `[${host}]` : host}:${port}`
