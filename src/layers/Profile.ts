/**
 * The profile: which layers keep the promises. The only place that chooses among them.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { Agents } from "../services/Agents.ts"
import type { ApiKeys } from "../services/ApiKeys.ts"
import type { EdgeAddress, EdgeUnbound } from "../services/EdgeAddress.ts"
import type { Leases } from "../services/Leases.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { LogUnopened } from "../services/MessageLog.ts"
import type { RateLimits } from "../services/RateLimits.ts"
import type { RedisUnopened } from "../services/RedisUnopened.ts"
import type { Sessions } from "../services/Sessions.ts"
import {
  type ServerSettings,
  Settings,
  type SettingsInvalid,
  type SettingsRecord
} from "../services/Settings.ts"
import type { AgentsOptions } from "./agents/DirectoryAgents.ts"
import * as Bus from "./bus/Bus.ts"
import * as SlewedClock from "./drivers/clock/SlewedClock.ts"
import { runtime } from "./drivers/runtime/Runtime.ts"
import * as DenoFront from "./edge/DenoFront.ts"
import * as Edge from "./edge/Edge.ts"
import * as NodeFront from "./edge/NodeFront.ts"
import * as FileKeys from "./keys/FileKeys.ts"
import * as NoKeys from "./keys/NoKeys.ts"
import { leasesOf } from "./leases/Granting.ts"
import * as LocalRateLimits from "./limits/LocalRateLimits.ts"
import * as Storage from "./log/Storage.ts"
import * as AuditCounts from "./observe/AuditCounts.ts"
import * as DatabaseCounts from "./observe/DatabaseCounts.ts"
import * as GuardianCounts from "./observe/GuardianCounts.ts"
import * as PodCounts from "./observe/PodCounts.ts"
import * as RedisCounts from "./observe/RedisCounts.ts"
import * as ScaleCounts from "./observe/ScaleCounts.ts"
import { withAgents } from "./ProfileAgents.ts"
import { controlledBy, exportedBy, tracedBy } from "./ProfileControl.ts"
import { apart, deduplicated, type RedisLayer, redisLayer, signalled } from "./ProfileRedis.ts"
import * as LocalSessions from "./sessions/LocalSessions.ts"
import { version } from "./Version.ts"

/** What runs the program, and the HTTP server that it has. */
export const platform: Pick<Edge.EdgeOptions, "runtime" | "serve"> = {
  runtime: `${runtime.name} ${runtime.version}`,
  serve: runtime.name === "deno" ? DenoFront.serve : NodeFront.serve
}

/** The service: the bus behind its HTTP edge, as the settings say. */
export const served: Layer.Layer<
  Agents | EdgeAddress | MessageBus,
  LogUnopened | EdgeUnbound | RedisUnopened | SettingsInvalid,
  FileSystem.FileSystem | Settings
> = Layer.unwrap(Effect.map(Settings, ({ profile, values }) => {
  const { bus, server } = values
  const redis = redisOf(values) // One, which all parts share.
  const busLayer = busOf(profile, values, redis, {
    ...Bus.optionsDefault,
    shardCount: bus.shardCount,
    workersPerShard: bus.workersPerShard,
    prestopMs: Duration.toMillis(server.prestopDelay),
    drainMs: Duration.toMillis(server.drain),
    watermarks: { high: bus.fillHigh, low: bus.fillLow },
    limits: { slotsMax: bus.shardMessagesMax, bytesMax: bus.shardBytesMax },
    backlogBytesMax: bus.logBytesMax,
    retention: {
      ...Bus.optionsDefault.retention,
      ageMs: Duration.toMillis(bus.retention),
      bytesMax: bus.retentionBytesMax
    },
    claims: { ...Bus.optionsDefault.claims, keysMax: bus.dedupKeysMax },
    contentHash: bus.contentHash
  })
  const edge = Edge.layer({
    host: server.host,
    port: server.port,
    metricsPort: server.metricsPort,
    version,
    profile,
    ...platform,
    proxyTrusted: server.proxyTrusted
  })
  return edge.pipe(
    Layer.provide(keysOf(server)),
    Layer.merge(controlledBy(values)),
    Layer.provideMerge(
      withAgents(tracedBy(values, busLayer), agentsOf(values), values.agents.executorThreads)
    ),
    Layer.provide(sharing(values, redis)),
    Layer.provideMerge(SlewedClock.layer),
    Layer.provide([DatabaseCounts.layer, GuardianCounts.layer, PodCounts.layer]),
    Layer.provideMerge(exportedBy(values)),
    Layer.provide([AuditCounts.layer, RedisCounts.layer, ScaleCounts.layer])
  )
}))

/** The bus of this process alone, or of all pods that share its database or its Redis. */
const busOf = (
  profile: Settings["Service"]["profile"],
  values: SettingsRecord,
  redis: RedisLayer | undefined,
  options: Bus.BusOptions
): Layer.Layer<MessageBus, EdgeUnbound | LogUnopened | RedisUnopened> => {
  const { bus: { dedupKeysMax }, coordination: { podAddress, podPort, singlePod }, store } = values
  const { contentHash } = options
  const database = store.enabled ? store.databaseUrl : undefined
  if (database !== undefined && !singlePod) {
    const pods = podBus(database, values, options)
    return redis === undefined ? pods : signalled(pods, redis)
  }
  const log = Storage.log(Storage.storageOf(profile, store), dedupKeysMax)
  if (database !== undefined || redis === undefined) return Layer.provide(Bus.layer(options), log)
  if (singlePod) return deduplicated(Layer.provide(Bus.layer(options), log), redis, contentHash)
  const pods = apart(
    (pod) => Layer.provide(Bus.layerShared({ ...options, pod }), log),
    redis,
    { address: podAddress, port: podPort, version },
    contentHash
  )
  return signalled(pods, redis)
}

/** What pods talk through is imported here: a process that is alone starts without it. */
const podBus = (
  url: Redacted.Redacted,
  { bus: { dedupKeysMax }, coordination: { podAddress, podPort }, store }: SettingsRecord,
  options: Bus.BusOptions
): Layer.Layer<MessageBus, LogUnopened> =>
  Layer.unwrap(
    Effect.map(
      Effect.all([
        Effect.promise(() => import("./ownership/ClusterOwnership.ts")),
        Effect.promise(() => import("./ownership/PodBus.ts"))
      ]),
      ([ClusterOwnership, PodBus]) => {
        const pod = ClusterOwnership.podNameOf(podPort)
        return PodBus.layer.pipe(
          Layer.provide(ClusterOwnership.layer({ url, address: podAddress, port: podPort, pod })),
          Layer.provide(Bus.layerShared({ ...options, pod })),
          Layer.provide(Storage.sharedLog(url, store, dedupKeysMax))
        )
      }
    )
  )

/** Who may ask the service. */
const keysOf = (
  { apiKeysFile }: ServerSettings
): Layer.Layer<ApiKeys, SettingsInvalid, FileSystem.FileSystem> =>
  apiKeysFile === undefined ? NoKeys.layer : FileKeys.layer(apiKeysFile)

/** What pods share: over Redis where there is one, in the database, or in this process. */
const sharing = (
  values: SettingsRecord,
  redis: RedisLayer | undefined
): Layer.Layer<Leases | RateLimits | Sessions, RedisUnopened> => {
  const { coordination, server: { requestsMax, requestsWindow } } = values
  const limit = { limit: requestsMax, window: requestsWindow }
  if (redis === undefined) {
    return Layer.mergeAll(leasesOf(values), LocalRateLimits.layer(limit), LocalSessions.layer())
  }
  return Layer.unwrap(
    Effect.map(
      Effect.all([
        Effect.promise(() => import("./leases/RedisLeases.ts")),
        Effect.promise(() => import("./limits/RedisRateLimits.ts")),
        Effect.promise(() => import("./sessions/RedisSessions.ts"))
      ]),
      ([RedisLeases, RedisRateLimits, RedisSessions]) =>
        Layer.mergeAll(
          coordination.distributedLocks ? RedisLeases.layer : leasesOf(values),
          RedisRateLimits.layer(limit),
          RedisSessions.layer
        ).pipe(Layer.provide(redis))
    )
  )
}

/** The Redis of the settings. */
const redisOf = ({ coordination }: SettingsRecord): RedisLayer | undefined => {
  const { redis, redisPassword, redisPrefix, redisUrl, redisUsername } = coordination
  return !redis || redisUrl === undefined ? undefined : redisLayer({
    url: redisUrl,
    username: redisUsername,
    password: redisPassword,
    prefix: redisPrefix
  })
}

/** How the agents of a directory are loaded, if there is one. */
const agentsOf = (
  { agents: { checkSkipped, dir, modelsLazy, parallelLoading, watched }, server }: SettingsRecord
): AgentsOptions | undefined =>
  dir === undefined ? undefined : {
    directory: dir,
    isParallel: parallelLoading,
    isHeavyLazy: modelsLazy,
    isCheckSkipped: checkSkipped,
    timeout: server.startupTimeout,
    isWatched: watched
  }
