/**
 * The storage of a profile: which log keeps its messages.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import process from "node:process"
import { claimTtlMs } from "../../domain/IdempotencyKey.ts"
import type { EmbeddedOptions } from "../../services/EmbeddedOptions.ts"
import type { LogPartitions } from "../../services/LogPartitions.ts"
import type { LogUnopened, MessageLog } from "../../services/MessageLog.ts"
import { type Settings, SettingsInvalid, type StoreSettings } from "../../services/Settings.ts"
import * as EmbeddedLog from "./EmbeddedLog.ts"
import * as MemoryLog from "./MemoryLog.ts"
import type { PostgresLogOptions } from "./postgres/PostgresLog.ts"

/** Where messages are kept: in memory, in `dataDir` and synced to its disk, or in PostgreSQL. */
export type Storage =
  | { readonly profile: "memory" }
  | { readonly profile: "local"; readonly dataDir: string }
  | { readonly profile: "postgres"; readonly database: DatabaseSettings }

/** The log of a profile, which remembers so many idempotency keys. */
export const log = (storage: Storage, keysMax?: number): Layer.Layer<MessageLog, LogUnopened> => {
  const claims = {
    claimsFor: Duration.millis(claimTtlMs),
    ...(keysMax === undefined ? {} : { claimsMax: keysMax })
  }
  switch (storage.profile) {
    case "memory":
      return MemoryLog.layer
    case "local":
      return EmbeddedLog.layer({ directory: storage.dataDir, ...claims })
    case "postgres":
      // Imported here: a bus without a database starts without its driver.
      return Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("./postgres/PostgresLog.ts")),
          (PostgresLog) => PostgresLog.layer({ ...storage.database, ...claims })
        )
      )
  }
}

/** The log of a database that pods share, of which this one takes over a part. */
export const sharedLog = (
  url: Redacted.Redacted,
  store: StoreSettings,
  keysMax: number
): Layer.Layer<LogPartitions | MessageLog, LogUnopened> =>
  Layer.unwrap(Effect.map(
    Effect.promise(() => import("./postgres/PostgresLog.ts")),
    (PostgresLog) =>
      PostgresLog.layerShared({
        ...databaseOf(url, store),
        claimsFor: Duration.millis(claimTtlMs),
        claimsMax: keysMax
      })
  ))

/** How the log is opened, but for its idempotency keys. */
type DatabaseSettings = Omit<PostgresLogOptions, "claimsFor" | "claimsMax">

/** How a process is named in the tables of a database. Kubernetes gives each pod its HOSTNAME. */
const owner = `${process.env["HOSTNAME"] ?? "this machine"}, process ${process.pid}`

/** What the settings say about the database, or their defaults. */
const databaseOf = (
  url: Redacted.Redacted,
  store: Partial<StoreSettings> = {}
): DatabaseSettings => ({
  url,
  owner,
  // One pool: connections are made when they are needed and closed when they are idle.
  connectionsMax: (store.poolSize ?? 50) + (store.poolOverflowMax ?? 20),
  acquireTimeout: store.poolTimeout ?? Duration.seconds(30),
  connectionAgeMax: store.connectionAgeMax ?? Duration.hours(1),
  retrying: { attempts: store.retryAttempts ?? 3, delay: store.retryDelay ?? Duration.seconds(1) },
  durabilityRequired: store.durabilityRequired,
  citus: store.citus ?? false,
  replicas: {
    urls: store.replicaUrls ?? [],
    lagMax: store.replicaLagMax ?? Duration.seconds(10)
  }
})

/** Where the settings of the service want messages kept. */
export const storageOf = (profile: Settings["Service"]["profile"], store: StoreSettings): Storage =>
  profile === "memory"
    ? { profile }
    : store.databaseUrl === undefined
    ? { profile: "local", dataDir: store.dataDir }
    : { profile: "postgres", database: databaseOf(store.databaseUrl, store) }

/** Where a program that embeds the bus wants messages kept. */
export const embeddedStorage = (
  { databaseUrl, dataDir = "./data", profile }: EmbeddedOptions
): Storage =>
  profile === "memory"
    ? { profile }
    : databaseUrl === undefined
    ? { profile: "local", dataDir }
    : { profile: "postgres", database: databaseOf(Redacted.make(databaseUrl)) }

/**
 * The migrations that the database of the settings lacked, which were run unless only planned; with
 * `citus`, the tables are distributed too, also when the settings do not ask for it.
 */
export const migrations = (store: StoreSettings, what: "plan" | "run", citus: boolean) =>
  Effect.gen(function*() {
    if (store.databaseUrl === undefined) return yield* nothingToMigrate
    const database = databaseOf(store.databaseUrl, { ...store, citus: citus || store.citus })
    const { migrating } = yield* Effect.promise(() => import("./postgres/PostgresLog.ts"))
    return yield* migrating(database, what)
  })

const nothingToMigrate = new SettingsInvalid({
  issues: [{
    name: "DATABASE_URL",
    found: "nothing",
    expected: "the address of a PostgreSQL database",
    remedy: "set it; the embedded store migrates itself when it is opened"
  }]
})
