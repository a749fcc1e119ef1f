/**
 * The settings of the store: where messages are kept.
 */
import * as Duration from "effect/Duration"
import { Durability } from "../../../services/MessageLog.ts"
import type { StoreSettings } from "../../../services/Settings.ts"
import { choice, integer, path, seconds, secretUrl, secretUrls, toggle } from "../Kind.ts"
import type { Reader } from "../Reader.ts"

/** Where messages are kept. */
export const store = (reader: Reader): StoreSettings => {
  const { read, areLegal, refuse } = reader
  const settings = {
    enabled: read({
      name: "ENABLE_DATABASE",
      kind: toggle,
      default: true,
      meaning: "Keep messages in a store. 0 keeps them in memory: a restart loses them."
    }),
    dataDir: read({
      name: "DATA_DIR",
      kind: path("a directory"),
      default: "./data",
      meaning: "Directory of the embedded store; used by one process at a time."
    }),
    durabilityRequired: read({
      name: "DURABILITY_REQUIRED",
      kind: choice(Durability.literals),
      default: undefined,
      meaning: "Refuse to run with less: memory, local (synced to disk), replicated."
    }),
    ...database(reader)
  }
  const { databaseUrl, durabilityRequired: required, enabled } = settings
  // What a database reaches it says itself, when the log is opened.
  const reached = !enabled ? "memory" : databaseUrl === undefined ? "local" : "replicated"
  if (
    required !== undefined && areLegal("DURABILITY_REQUIRED", "ENABLE_DATABASE") &&
    Durability.literals.indexOf(required) > Durability.literals.indexOf(reached)
  ) {
    refuse({
      name: "DURABILITY_REQUIRED",
      found: `"${required}"`,
      expected: `${reached} at most, which is what these settings reach`,
      remedy: remedyFor(required)
    })
  }
  return settings
}

const remedyFor = (required: Durability): string =>
  required === "local"
    ? "set ENABLE_DATABASE=1"
    : "set DATABASE_URL to a PostgreSQL with a synchronous standby, or set it to local"

/** PostgreSQL: its address, its pool and its retries. */
const database = ({ read, requireAddress }: Reader) => {
  const databaseUrl = read({
    name: "DATABASE_URL",
    kind: secretUrl(["postgres:", "postgresql:"], "postgres://user:password@host:5432/name"),
    default: undefined,
    meaning: "PostgreSQL to keep messages in, in place of the embedded store."
  })
  const citus = read({
    name: "ENABLE_CITUS",
    kind: toggle,
    default: false,
    meaning: "Distribute the tables over Citus; without the extension, one warning says so."
  })
  requireAddress(citus, "ENABLE_CITUS", "DATABASE_URL")
  const replicaUrls = read({
    name: "DB_REPLICA_URLS",
    kind: secretUrls(["postgres:", "postgresql:"], "postgres://user:password@replica:5432/name"),
    default: undefined,
    meaning: "Standbys of DATABASE_URL to read old messages and listings from, by commas."
  }) ?? []
  requireAddress(replicaUrls.length > 0, "DB_REPLICA_URLS", "DATABASE_URL")
  return {
    databaseUrl,
    citus,
    poolSize: read({
      name: "DB_POOL_SIZE",
      kind: integer(1, 1_000),
      default: 50,
      meaning: "Connections to PostgreSQL."
    }),
    poolOverflowMax: read({
      name: "DB_POOL_MAX_OVERFLOW",
      kind: integer(0, 1_000),
      default: 20,
      meaning: "Connections beside those, under load."
    }),
    poolTimeout: read({
      name: "DB_POOL_TIMEOUT",
      kind: seconds(0.1, 3_600),
      default: Duration.seconds(30),
      meaning: "Seconds to wait for a connection."
    }),
    connectionAgeMax: read({
      name: "DB_POOL_RECYCLE",
      kind: seconds(1, 604_800),
      default: Duration.seconds(3_600),
      meaning: "Seconds after which a connection is replaced."
    }),
    retryAttempts: read({
      name: "DB_RETRY_ATTEMPTS",
      kind: integer(0, 100),
      default: 3,
      meaning: "Retries of a statement after a passing failure."
    }),
    retryDelay: read({
      name: "DB_RETRY_DELAY",
      kind: seconds(0.001, 60),
      default: Duration.seconds(1),
      meaning: "Seconds before the first of them."
    }),
    replicaUrls,
    replicaLagMax: read({
      name: "DB_REPLICA_LAG_MAX",
      kind: seconds(1, 3_600),
      default: Duration.seconds(10),
      meaning: "Seconds that a read replica may be behind; an older one is not asked."
    })
  }
}
