/**
 * Settings: everything an operator can choose, typed and checked before anything starts.
 *
 * Names, ranges, defaults and meanings stand in `src/layers/settings/catalogue`, one entry each;
 * here stands what the program sees. A setting of a later feature is checked as well.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Durability } from "./MessageLog.ts"

/** Shards, their limits and their gates. */
export interface BusSettings {
  readonly shardCount: number
  readonly workersPerShard: number
  /** Messages one shard holds. */
  readonly shardMessagesMax: number
  /** Bytes one shard holds. */
  readonly shardBytesMax: number
  /** Fill, 0 to 1, at which the gate of a shard closes. */
  readonly fillHigh: number
  /** Fill, 0 to 1, below which it opens again. */
  readonly fillLow: number
  /** Bytes of the log that retention may not delete. */
  readonly logBytesMax: number
  /** How long messages are kept, as far as no subscription needs them. */
  readonly retention: Duration.Duration
  /** Bytes of the log above which the oldest of those are deleted. */
  readonly retentionBytesMax: number
  /** Idempotency keys in memory. */
  readonly dedupKeysMax: number
  readonly contentHash: boolean
}

/** What grows and shrinks by itself, and what watches over it. */
export interface ScalingSettings {
  readonly autoScale: boolean
  readonly workersMin: number
  readonly scaleInterval: Duration.Duration
  readonly shardCountMin: number
  readonly fillUp: number
  readonly fillDown: number
  readonly guardian: boolean
  readonly guardianInterval: Duration.Duration
  readonly guardianWebhook: Redacted.Redacted | undefined
  /** Where traces and logs are sent, if they are, and as whose. */
  readonly otlpUrl: Redacted.Redacted | undefined
  readonly otlpService: string
  /** Where the audit trail is kept, if it is. */
  readonly auditDir: string | undefined
}

/** Where the process listens, and how it starts and stops. */
export interface ServerSettings {
  readonly host: string
  readonly port: number
  readonly metricsPort: number
  readonly anonymousAllowed: boolean
  readonly apiKeysFile: string | undefined
  readonly proxyTrusted: boolean
  /** Publish requests of one client per window; 0 is no limit. */
  readonly requestsMax: number
  readonly requestsWindow: Duration.Duration
  readonly startupTimeout: Duration.Duration
  readonly prestopDelay: Duration.Duration
  readonly drain: Duration.Duration
}

/** Where messages are kept. */
export interface StoreSettings {
  readonly enabled: boolean
  readonly dataDir: string
  readonly durabilityRequired: Durability | undefined
  readonly databaseUrl: Redacted.Redacted | undefined
  readonly citus: boolean
  readonly poolSize: number
  readonly poolOverflowMax: number
  readonly poolTimeout: Duration.Duration
  readonly connectionAgeMax: Duration.Duration
  readonly retryAttempts: number
  readonly retryDelay: Duration.Duration
  /** Standbys to read from, and how far behind they may be. */
  readonly replicaUrls: ReadonlyArray<Redacted.Redacted>
  readonly replicaLagMax: Duration.Duration
}

/** What pods share. */
export interface CoordinationSettings {
  readonly redis: boolean
  readonly redisUrl: Redacted.Redacted | undefined
  readonly redisUsername: string | undefined
  readonly redisPassword: Redacted.Redacted | undefined
  readonly redisPrefix: string
  readonly distributedLocks: boolean
  /** No other pod works on the same data. */
  readonly singlePod: boolean
  /** Where other pods reach this one. */
  readonly podAddress: string
  readonly podPort: number
  readonly kafka: boolean
  readonly kafkaBrokers: ReadonlyArray<string>
  readonly kafkaSinkConcurrency: number
}

/** How agents are loaded and run. */
export interface AgentSettings {
  readonly dir: string | undefined
  /** 0 runs handlers in the main thread. */
  readonly executorThreads: number
  readonly parallelLoading: boolean
  readonly modelsLazy: boolean
  readonly checkSkipped: boolean
  /** Load again what changes. */
  readonly watched: boolean
}

/** All settings by theme. */
export interface SettingsRecord {
  readonly bus: BusSettings
  readonly scaling: ScalingSettings
  readonly server: ServerSettings
  readonly store: StoreSettings
  readonly coordination: CoordinationSettings
  readonly agents: AgentSettings
}

/** One setting as the operator sees it; a secret's value is `<redacted>`. */
export interface SettingShown {
  readonly name: string
  /** Empty when it is not set and has no default. */
  readonly value: string
  readonly source: "default" | "environment" | "file"
  readonly expected: string
  readonly meaning: string
  readonly secret: boolean
  /** The feature it belongs to, when this version lacks it: the setting is checked but idle. */
  readonly later: string | undefined
}

/** One illegal setting. `found` never shows a secret. */
export const SettingIssue = Schema.Struct({
  name: Schema.String,
  found: Schema.String,
  expected: Schema.String,
  remedy: Schema.String
})
/** One illegal setting, for those who list them. */
export type SettingIssue = typeof SettingIssue.Type

/** Settings are illegal, all of them listed; the program refuses to start. */
export class SettingsInvalid extends Schema.TaggedError<SettingsInvalid>()("SettingsInvalid", {
  issues: Schema.NonEmptyArray(SettingIssue)
}) {
  override get message(): string {
    return this.issues
      .map((issue) =>
        `${issue.name}: found ${issue.found}, expected ${issue.expected}; ${issue.remedy}`
      )
      .join("\n")
  }
}

/** The settings of this process, read once at start. */
export class Settings extends Context.Service<Settings, {
  /** How messages are kept, and what is shared. Source: design, section 6. */
  readonly profile: "memory" | "local" | "redis" | "postgres" | "citus"
  readonly values: SettingsRecord
  /** Every setting, by theme, with its value and where that came from. */
  readonly shown: ReadonlyArray<SettingShown>
  /** What is set without effect in this version, one sentence each; to be logged at start. */
  readonly notices: ReadonlyArray<string>
}>()("codefactory/services/Settings") {}
