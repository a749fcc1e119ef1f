/**
 * The metrics of one server: a registry of its own, so that two buses in a process do not clash.
 */
import * as Effect from "effect/Effect"
import { type Metric, Registry } from "prom-client"
import type { Snapshot } from "../../domain/Snapshot.ts"
import type { AgentsSnapshot } from "../../services/Agents.ts"
import type { KeyCounts } from "../../services/ApiKeys.ts"
import type { ExecutorSnapshot } from "../../services/Executor.ts"
import type { RateCounts } from "../../services/RateLimits.ts"
import { observeAgents } from "./AgentMetrics.ts"
import { contractSeries, furtherSeries } from "./BusSeries.ts"
import { type DoorCounts, observeDoor } from "./DoorMetrics.ts"
import { observeExecutor } from "./ExecutorMetrics.ts"
import { fibreSeries } from "./FibreSeries.ts"
import * as HttpMetrics from "./HttpMetrics.ts"
import { observeLimiter } from "./LimiterMetrics.ts"
import { ownRowSeries } from "./OwnRowSeries.ts"
import { collectProcess } from "./ProcessMetrics.ts"
import { publishingSeries } from "./PublishingSeries.ts"
import { retentionSeries } from "./RetentionSeries.ts"
import type { Sampled, Series } from "./Samples.ts"
import { subscriptionSeries } from "./SubscriptionSeries.ts"
import { tailSeries } from "./TailSeries.ts"

/** The exposition and what others add to it. */
export interface Metrics {
  readonly http: HttpMetrics.HttpMetrics
  /** Adds the rate limiter, to be read at each scrape. */
  readonly limiter: (counts: () => RateCounts) => void
  /** Adds the door and its keys. */
  readonly door: (counts: () => DoorCounts, keys: () => KeyCounts) => void
  /** Adds the executor of agents. */
  readonly executor: (snapshot: () => ExecutorSnapshot) => void
  /** Adds series that are read as they are. */
  readonly series: (read: () => ReadonlyArray<Sampled>) => void
  /** Adds the agents. */
  readonly agents: (snapshot: () => AgentsSnapshot) => void
  readonly contentType: string
  /** The text of a scrape; the bus is asked for one snapshot, however many series there are. */
  readonly text: Effect.Effect<string>
}

/** The metrics of a bus and of the HTTP server in front of it. */
export const make = (
  snapshot: () => Snapshot,
  limits: Readonly<Record<string, number>>
): Metrics => {
  const registry = new Registry()
  collectProcess(registry)
  const http = HttpMetrics.make(registry, limits)
  const further: Array<() => ReadonlyArray<Sampled>> = []
  const read = () => [
    ...http.read(),
    ...further.flatMap((series) => series()),
    ...allSeries.map(readFrom(snapshot()))
  ]
  return {
    http,
    limiter: observeLimiter(registry),
    door: observeDoor(registry),
    executor: observeExecutor(registry),
    agents: observeAgents(registry),
    series: (more) => {
      further.push(more)
    },
    contentType: registry.contentType,
    text: Effect.promise(() => Registry.merge([registry, registryOf(read())]).metrics())
  }
}

const allSeries = [
  ...contractSeries,
  ...furtherSeries,
  ...fibreSeries,
  ...ownRowSeries,
  ...publishingSeries,
  ...retentionSeries,
  ...subscriptionSeries,
  ...tailSeries
]

const readFrom = (snapshot: Snapshot) => ({ read, ...series }: Series): Sampled => ({
  ...series,
  samples: read(snapshot)
})

const registryOf = (sampled: ReadonlyArray<Sampled>): Registry => {
  const registry = new Registry()
  for (const series of sampled) registry.registerMetric(metricOf(series))
  return registry
}

/** A series as a metric of prom-client, which asks it for `get` alone. */
const metricOf = ({ help, name, samples, type }: Sampled): Metric => {
  const values = samples.map(({ labels, suffix, value }) => ({
    labels,
    value,
    metricName: suffix === undefined ? name : `${name}${suffix}`
  }))
  const metric = { name, get: () => Promise.resolve({ name, help, type, values }) }
  // Its types want one of its four classes, whose values cannot be set as a whole, and number the
  // kinds that the program calls by name.
  return metric as unknown as Metric
}
