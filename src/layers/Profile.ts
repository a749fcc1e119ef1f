/**
 * The profile: which layers keep the promises. The only place that chooses among them.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Agents } from "../services/Agents.ts"
import type { ApiKeys } from "../services/ApiKeys.ts"
import { type CodeFactory, OptionsInvalid } from "../services/CodeFactory.ts"
import type { EdgeAddress, EdgeUnbound } from "../services/EdgeAddress.ts"
import { EmbeddedOptions } from "../services/EmbeddedOptions.ts"
import type { Executor } from "../services/Executor.ts"
import type { Leases } from "../services/Leases.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { LogUnopened } from "../services/MessageLog.ts"
import type { RateLimits } from "../services/RateLimits.ts"
import {
  type ServerSettings,
  Settings,
  type SettingsInvalid,
  type SettingsRecord
} from "../services/Settings.ts"
import type { AgentsOptions } from "./agents/DirectoryAgents.ts"
import * as NoAgents from "./agents/NoAgents.ts"
import * as Bus from "./bus/Bus.ts"
import * as SlewedClock from "./drivers/clock/SlewedClock.ts"
import { runtime } from "./drivers/runtime/Runtime.ts"
import * as DenoFront from "./edge/DenoFront.ts"
import * as Edge from "./edge/Edge.ts"
import * as NodeFront from "./edge/NodeFront.ts"
import * as Embedding from "./embed/Embedding.ts"
import * as FileKeys from "./keys/FileKeys.ts"
import * as NoKeys from "./keys/NoKeys.ts"
import { embeddedLeases, leasesOf } from "./leases/Granting.ts"
import * as LocalRateLimits from "./limits/LocalRateLimits.ts"
import * as Storage from "./log/Storage.ts"
import * as DatabaseCounts from "./observe/DatabaseCounts.ts"
import * as PodCounts from "./observe/PodCounts.ts"
import { version } from "./Version.ts"

/** The bus inside another program. */
export const embedded = (
  options: EmbeddedOptions = {}
): Layer.Layer<Agents | CodeFactory | Leases | MessageBus, LogUnopened | OptionsInvalid> =>
  Layer.unwrap(Effect.map(checked(options), embeddedOf))

const checked = (options: EmbeddedOptions): Effect.Effect<EmbeddedOptions, OptionsInvalid> =>
  Effect.mapError(
    Effect.tap(
      Schema.decodeUnknownEffect(EmbeddedOptions)(options, {
        errors: "all",
        onExcessProperty: "error"
      }),
      ({ agentsDir }) => agentsDir === undefined ? Effect.void : readable(agentsDir)
    ),
    ({ message }) => new OptionsInvalid({ reason: message })
  )

/** The code of agents is imported when there are agents: a bus without them starts without it. */
const readable = (directory: string) =>
  Effect.flatMap(
    Effect.promise(() => import("./agents/Discovery.ts")),
    ({ discover }) => discover(directory)
  )

const embeddedOf = (
  options: EmbeddedOptions
): Layer.Layer<Agents | CodeFactory | Leases | MessageBus, LogUnopened> => {
  const { backlogBytesMax, limits, retention } = Bus.optionsDefault
  const bus = Bus.layer({
    ...Bus.optionsDefault,
    shardCount: options.shardCount ?? Bus.optionsDefault.shardCount,
    workersPerShard: options.workersPerShard ?? Bus.optionsDefault.workersPerShard,
    watermarks: options.watermarks ?? Bus.optionsDefault.watermarks,
    limits: { ...limits, slotsMax: options.shardMessagesMax ?? limits.slotsMax },
    backlogBytesMax: options.logBytesMax ?? backlogBytesMax,
    retention: {
      ...retention,
      ageMs: options.retentionMs ?? retention.ageMs,
      bytesMax: options.retentionBytesMax ?? retention.bytesMax
    },
    contentHash: options.contentHash ?? false
  })
  return Layer.effectDiscard(Effect.flatMap(Agents, ({ load }) => load)).pipe(
    Layer.provideMerge(Embedding.layer),
    Layer.provideMerge(withAgents(bus, embeddedAgents(options), options.executorThreads ?? 0)),
    Layer.provide(Storage.log(Storage.embeddedStorage(options))),
    Layer.merge(embeddedLeases(options)),
    Layer.provide(SlewedClock.layer)
  )
}

const embeddedAgents = ({ agentsDir }: EmbeddedOptions): AgentsOptions | undefined =>
  agentsDir === undefined ? undefined : {
    directory: agentsDir,
    isParallel: true,
    isHeavyLazy: true,
    isCheckSkipped: false,
    timeout: startupTimeoutDefault,
    isWatched: false
  }

/** How long agents may take to load. Source: guide, "startupTimeout". */
const startupTimeoutDefault = Duration.seconds(90)

/** What runs the program, and the HTTP server that it has. */
export const platform: Pick<Edge.EdgeOptions, "runtime" | "serve"> = {
  runtime: `${runtime.name} ${runtime.version}`,
  serve: runtime.name === "deno" ? DenoFront.serve : NodeFront.serve
}

/** The service: the bus behind its HTTP edge, as the settings say. */
export const served: Layer.Layer<
  Agents | EdgeAddress | MessageBus,
  LogUnopened | EdgeUnbound | SettingsInvalid,
  FileSystem.FileSystem | Settings
> = Layer.unwrap(Effect.map(Settings, ({ profile, values }) => {
  const { bus, server } = values
  const busLayer = busOf(profile, values, {
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
    Layer.provide(doors(server)),
    Layer.provide(leasesOf(profile, values)),
    Layer.provideMerge(withAgents(busLayer, agentsOf(values), values.agents.executorThreads)),
    Layer.provideMerge(SlewedClock.layer),
    Layer.provide([DatabaseCounts.layer, PodCounts.layer])
  )
}))

/** The bus of this process alone, or of all pods that share its database. */
const busOf = (
  profile: Settings["Service"]["profile"],
  values: SettingsRecord,
  options: Bus.BusOptions
): Layer.Layer<MessageBus, LogUnopened> => {
  const { bus: { dedupKeysMax }, coordination: { singlePod }, store } = values
  return profile === "postgres" && !singlePod && store.databaseUrl !== undefined
    ? podBus(store.databaseUrl, values, options)
    : Layer.provide(
      Bus.layer(options),
      Storage.log(Storage.storageOf(profile, store), dedupKeysMax)
    )
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

/** Who may ask the service, and how often. */
const doors = (
  { apiKeysFile, requestsMax, requestsWindow }: ServerSettings
): Layer.Layer<ApiKeys | RateLimits, SettingsInvalid, FileSystem.FileSystem> =>
  Layer.mergeAll(
    LocalRateLimits.layer({ limit: requestsMax, window: requestsWindow }),
    apiKeysFile === undefined ? NoKeys.layer : FileKeys.layer(apiKeysFile)
  )

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

/**
 * A bus with agents, whose executor stands beneath it, because handlers run until it has drained.
 * Their code is imported here and not above: a bus without agents starts without it.
 */
const withAgents = <E, R>(
  bus: Layer.Layer<MessageBus, E, R>,
  options: AgentsOptions | undefined,
  threads: number
): Layer.Layer<Agents | MessageBus, E, R> =>
  options === undefined ? Layer.merge(NoAgents.layer, bus) : Layer.unwrap(
    Effect.map(
      Effect.all([Effect.promise(() => import("./agents/DirectoryAgents.ts")), executor(threads)]),
      ([DirectoryAgents, executor]) =>
        DirectoryAgents.layer(options).pipe(
          Layer.provide(Embedding.layer),
          Layer.provideMerge(bus),
          Layer.provideMerge(executor) // Its metrics are shown by the edge.
        )
    )
  )

/** What runs the handlers of agents: so many threads, or with 0 this one. */
const executor = (threads: number): Effect.Effect<Layer.Layer<Executor>> =>
  threads === 0
    ? Effect.map(Effect.promise(() => import("./executor/InThread.ts")), ({ layer }) => layer)
    : Effect.map(
      Effect.promise(() => import("./executor/WorkerThreads.ts")),
      ({ layer }) => layer({ threads })
    )
