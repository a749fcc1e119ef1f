/**
 * Granting: who grants leases, as the settings or an embedding program say.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { EmbeddedOptions } from "../../services/EmbeddedOptions.ts"
import type { Leases } from "../../services/Leases.ts"
import type { SettingsRecord } from "../../services/Settings.ts"
import * as LocalLeases from "./LocalLeases.ts"
import * as NoLeases from "./NoLeases.ts"
import type { PostgresLeasesOptions } from "./PostgresLeases.ts"

/** Who grants leases without Redis: the database that pods share, or this process alone. */
export const leasesOf = (
  { coordination: { distributedLocks, singlePod }, store }: SettingsRecord
): Layer.Layer<Leases> =>
  distributedLocks && store.enabled && store.databaseUrl !== undefined
    ? sharedLeases({
      url: store.databaseUrl,
      acquireTimeout: store.poolTimeout,
      connectionAgeMax: store.connectionAgeMax
    })
    : singlePod
    ? LocalLeases.layer()
    : NoLeases.layer

/** As `leasesOf`; who embeds a bus without a database is taken to be alone with it. */
export const embeddedLeases = ({ databaseUrl, profile }: EmbeddedOptions): Layer.Layer<Leases> =>
  databaseUrl === undefined || profile === "memory"
    ? LocalLeases.layer()
    : sharedLeases({
      url: Redacted.make(databaseUrl),
      acquireTimeout: Duration.seconds(30),
      connectionAgeMax: Duration.hours(1)
    })

/** Its code is imported when there is a database. */
const sharedLeases = (options: PostgresLeasesOptions): Layer.Layer<Leases> =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./PostgresLeases.ts")),
      (PostgresLeases) => PostgresLeases.layer(options)
    )
  )
