/**
 * The profile: which layers keep the promises. The only place that chooses among them.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { claimTtlMs } from "../domain/IdempotencyKey.ts"
import { ShardCount } from "../domain/Ring.ts"
import { Watermarks } from "../domain/Watermark.ts"
import type { ApiKeys } from "../services/ApiKeys.ts"
import { type CodeFactory, OptionsInvalid } from "../services/CodeFactory.ts"
import type { EdgeAddress, EdgeUnbound } from "../services/EdgeAddress.ts"
import type { Executor } from "../services/Executor.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { LogUnopened, MessageLog } from "../services/MessageLog.ts"
import type { RateLimits } from "../services/RateLimits.ts"
import { type ServerSettings, Settings, type SettingsInvalid } from "../services/Settings.ts"
import * as Bus from "./bus/Bus.ts"
import * as SlewedClock from "./drivers/clock/SlewedClock.ts"
import { runtime } from "./drivers/runtime/Runtime.ts"
import * as DenoFront from "./edge/DenoFront.ts"
import * as Edge from "./edge/Edge.ts"
import * as NodeFront from "./edge/NodeFront.ts"
import * as Embedding from "./embed/Embedding.ts"
import * as InThread from "./executor/InThread.ts"
import * as WorkerThreads from "./executor/WorkerThreads.ts"
import * as FileKeys from "./keys/FileKeys.ts"
import * as NoKeys from "./keys/NoKeys.ts"
import * as LocalRateLimits from "./limits/LocalRateLimits.ts"
import * as EmbeddedLog from "./log/EmbeddedLog.ts"
import * as MemoryLog from "./log/MemoryLog.ts"
import { version } from "./Version.ts"

/** Where messages are kept: in memory only, or in `dataDir`, synced to its disk. */
export type Storage =
  | { readonly profile: "memory" }
  | { readonly profile: "local"; readonly dataDir: string }

/** The log of a profile, which remembers so many idempotency keys. */
export const log = (storage: Storage, keysMax?: number): Layer.Layer<MessageLog, LogUnopened> =>
  storage.profile === "memory"
    ? MemoryLog.layer
    : EmbeddedLog.layer({
      directory: storage.dataDir,
      claimsFor: Duration.millis(claimTtlMs),
      ...(keysMax === undefined ? {} : { claimsMax: keysMax })
    })

/** What an embedding program can be told; everything has a default. */
export const EmbeddedOptions = Schema.Struct({
  /** `local` unless set. */
  profile: Schema.optionalKey(Schema.Literals(["memory", "local"])),
  /** Folder of the embedded store, `./data` unless set; ignored in memory. */
  dataDir: Schema.optionalKey(Schema.NonEmptyString),
  /** 2 to 16; 8 unless set. */
  shardCount: Schema.optionalKey(ShardCount),
  /** Handlers that run at once per shard: 2 to 8; 4 unless set. */
  workersPerShard: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 8 }))
  ),
  /** Messages one shard holds; 10,000 unless set. */
  shardMessagesMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  /** Treat equal messages without an idempotency key as duplicates; not unless set. */
  contentHash: Schema.optionalKey(Schema.Boolean),
  /** How long messages are kept that every subscription is done with: 604,800,000 ms unless set. */
  retentionMs: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1_000))),
  /** Bytes of the log above which the oldest of those are deleted; 8 GiB unless set. */
  retentionBytesMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(2 ** 20))),
  /** Bytes of undelivered messages, by which the backlog gate moves; 8 GiB unless set. */
  logBytesMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(2 ** 20))),
  /** Fills, 0 to 1, at which a shard stops and resumes taking messages; 0.8 and 0.5 unless set. */
  watermarks: Schema.optionalKey(Watermarks)
})
/** Checked options. */
export type EmbeddedOptions = typeof EmbeddedOptions.Type

/** The bus inside another program. */
export const embedded = (
  options: EmbeddedOptions = {}
): Layer.Layer<CodeFactory | MessageBus, LogUnopened | OptionsInvalid> =>
  Layer.unwrap(Effect.map(checked(options), embeddedOf))

const checked = (options: EmbeddedOptions): Effect.Effect<EmbeddedOptions, OptionsInvalid> =>
  Effect.mapError(
    Schema.decodeUnknownEffect(EmbeddedOptions)(options, {
      errors: "all",
      onExcessProperty: "error"
    }),
    ({ message }) => new OptionsInvalid({ reason: message })
  )

const embeddedOf = (
  options: EmbeddedOptions
): Layer.Layer<CodeFactory | MessageBus, LogUnopened> => {
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
  const storage: Storage = options.profile === "memory"
    ? { profile: "memory" }
    : { profile: "local", dataDir: options.dataDir ?? "./data" }
  return Embedding.layer.pipe(
    Layer.provideMerge(bus),
    Layer.provide(log(storage)),
    Layer.provide(SlewedClock.layer)
  )
}

/** What runs the handlers of agents: so many threads, or with 0 this one. */
export const executor = (threads: number): Layer.Layer<Executor> =>
  threads === 0 ? InThread.layer : WorkerThreads.layer({ threads })

/** What runs the program, and the HTTP server that it has. */
export const platform: Pick<Edge.EdgeOptions, "runtime" | "serve"> = {
  runtime: `${runtime.name} ${runtime.version}`,
  serve: runtime.name === "deno" ? DenoFront.serve : NodeFront.serve
}

/** The service: the bus behind its HTTP edge, as the settings say. */
export const served: Layer.Layer<
  EdgeAddress | Executor | MessageBus,
  LogUnopened | EdgeUnbound | SettingsInvalid,
  FileSystem.FileSystem | Settings
> = Layer.unwrap(Effect.map(Settings, ({ profile, values: { agents, bus, server, store } }) => {
  const busLayer = Bus.layer({
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
    Layer.provideMerge(busLayer),
    Layer.provide(log({ profile, dataDir: store.dataDir }, bus.dedupKeysMax)),
    Layer.provideMerge(executor(agents.executorThreads)),
    Layer.provideMerge(SlewedClock.layer)
  )
}))

/** Who may ask the service, and how often. */
const doors = (
  { apiKeysFile, requestsMax, requestsWindow }: ServerSettings
): Layer.Layer<ApiKeys | RateLimits, SettingsInvalid, FileSystem.FileSystem> =>
  Layer.mergeAll(
    LocalRateLimits.layer({ limit: requestsMax, window: requestsWindow }),
    apiKeysFile === undefined ? NoKeys.layer : FileKeys.layer(apiKeysFile)
  )
