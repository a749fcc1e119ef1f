/**
 * Counts of the databases of a program: connections, waits, statements by name, and breakers.
 *
 * A reference with a value of its own, so that what uses a database need not know whether anybody
 * counts; a server provides one for what it shows.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Buckets } from "./Buckets.ts"
import { histogram, one, type Sample, type Sampled } from "./Samples.ts"

/** Whether a breaker lets statements through. */
type Circuit = "Closed" | "HalfOpen" | "Open"

/** One pool of connections. Mutable on purpose: written for every statement. */
export class PoolCounts {
  /** Statements that wait for a connection, and those under way. */
  waiting = 0
  underWay = 0
  /** Waits for a connection, in milliseconds. */
  readonly waits = new Buckets()
  /** By connection, when it was used last (milliseconds); older ones have been closed. */
  private readonly used = new Map<number, number>()
  readonly connectionsMax: number
  readonly circuit: () => Circuit
  private readonly idleMs: number

  /** `idleMs` is how long a connection stays open without use. */
  constructor(connectionsMax: number, idleMs: number, circuit: () => Circuit) {
    this.connectionsMax = connectionsMax
    this.idleMs = idleMs
    this.circuit = circuit
  }

  /** A connection was used. */
  use(connection: number, now: number): void {
    this.used.set(connection, now)
  }

  /** It was closed. */
  close(connection: number): void {
    this.used.delete(connection)
  }

  /** Connections that are open, as far as their use tells. */
  open(now: number): number {
    for (const [connection, at] of this.used) {
      if (now - at > this.idleMs) this.used.delete(connection)
    }
    return this.used.size
  }
}

/** All of a program. Mutable on purpose, as above. */
export class DatabaseCounts {
  /** By what they are for. */
  readonly pools = new Map<string, PoolCounts>()
  /** Milliseconds to the answer, by statement. */
  readonly statements = new Map<string, Buckets>()
  /** Statements that failed, by reason. */
  readonly failures = new Map<string, number>()
  /** Commits that were refused because another process has the partition. */
  staleCommits = 0
  /** Statements that went to a replica, and those that the primary answered instead of one. */
  replicaReads = 0
  replicaFallbacks = 0
  /** How far replicas are behind, in milliseconds; `undefined` for one that is not asked. */
  replicaLags: () => ReadonlyArray<number | undefined> = () => []

  /** The times of a statement. */
  statement(name: string): Buckets {
    const known = this.statements.get(name)
    if (known !== undefined) return known
    const made = new Buckets()
    this.statements.set(name, made)
    return made
  }

  /** Notes a failure. */
  failed(reason: string): void {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1)
  }
}

/** The counts of whoever runs. */
export const databaseCounts = Context.Reference<DatabaseCounts>(
  "codefactory/layers/observe/DatabaseCounts",
  { defaultValue: () => new DatabaseCounts() }
)

/** Counts of one program alone. */
export const layer: Layer.Layer<never> = Layer.effect(
  databaseCounts,
  Effect.sync(() => new DatabaseCounts())
)

const circuits: Readonly<Record<Circuit, number>> = { Closed: 0, HalfOpen: 0.5, Open: 1 }

/** The series; `now` in milliseconds. */
export const databaseSeries = (counts: DatabaseCounts, now: number): ReadonlyArray<Sampled> => {
  const byPool = (read: (pool: PoolCounts) => number): ReadonlyArray<Sample> =>
    [...counts.pools].map(([pool, state]) => ({ labels: { pool }, value: read(state) }))
  const gauge = (name: string, help: string, read: (pool: PoolCounts) => number): Sampled => ({
    name: `database_${name}`,
    help,
    type: "gauge",
    samples: byPool(read)
  })
  return [
    gauge("connections", "Open connections, as their use tells", (pool) => pool.open(now)),
    gauge("connections_max", "Most connections", ({ connectionsMax }) => connectionsMax),
    gauge("statements_waiting", "Statements without a connection", ({ waiting }) => waiting),
    gauge("statements_under_way", "Statements without an answer", ({ underWay }) => underWay),
    gauge(
      "circuit_open",
      "1 while nothing is sent, 0.5 while one tries",
      ({ circuit }) => circuits[circuit()]
    ),
    {
      name: "database_connection_wait_seconds",
      help: "Waits for a connection",
      type: "histogram",
      samples: [...counts.pools].flatMap(([pool, { waits }]) =>
        histogram(waits.snapshot(), { pool })
      )
    },
    {
      name: "database_statement_duration_seconds",
      help: "From sending a statement to its answer",
      type: "histogram",
      samples: [...counts.statements].flatMap(([statement, times]) =>
        histogram(times.snapshot(), { statement })
      )
    },
    {
      name: "database_failures_total",
      help: "Statements that failed",
      type: "counter",
      samples: [...counts.failures].map(([reason, value]) => ({ labels: { reason }, value }))
    },
    {
      name: "database_replica_reads_total",
      help: "Statements that a read replica was asked",
      type: "counter",
      samples: one(counts.replicaReads)
    },
    {
      name: "database_replica_fallbacks_total",
      help: "Statements that the primary answered because no replica did",
      type: "counter",
      samples: one(counts.replicaFallbacks)
    },
    {
      name: "database_replica_lag_seconds",
      help: "How far a read replica is behind, infinite for one that is not asked",
      type: "gauge",
      samples: counts.replicaLags().map((lag, replica) => ({
        labels: { replica: replica + 1 },
        value: lag === undefined ? Number.POSITIVE_INFINITY : lag / 1_000
      }))
    },
    {
      name: "message_bus_stale_commits_total",
      help: "Commits refused because another process has the partition",
      type: "counter",
      samples: one(counts.staleCommits)
    }
  ]
}
