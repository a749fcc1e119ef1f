/**
 * Read replicas: standbys of the database that answer what may be a little old.
 *
 * How old a replica is, is told by what it has replayed, not by clocks: the primary says at a time
 * how far it has written, and a replica that has replayed that much is as of that time at least.
 * One that is too old, or away, or of another database is passed over, and with none left the
 * primary answers, so who asks need not know.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type DatabaseCounts, databaseCounts } from "../../observe/DatabaseCounts.ts"
import {
  type Database,
  type DatabaseOptions,
  make as makeDatabase,
  type Querying
} from "./Database.ts"

/** Which replicas there are. */
export interface ReplicaOptions {
  readonly replicas: ReadonlyArray<DatabaseOptions>
  /** Most that a replica may be behind. */
  readonly lagMax: Duration.Duration
  /** A statement whose one value tells databases apart. */
  readonly identitySql: string
}

/** How often replicas are looked at, as a part of what they may be behind. */
const looksPerLag = 4

/** Times of the primary that are remembered: a replica that is further behind is too old. */
const samplesMax = 16

/** What a replica is good for. Mutable: it is looked at again and again. */
interface State {
  readonly database: Database["Service"]
  /** As of this time at least (milliseconds); `undefined`: not to be asked. */
  asOf: number | undefined
  /** What was said about it last. */
  said: string | undefined
}

/** How far the primary had written at a time (milliseconds). */
interface Sample {
  readonly at: number
  readonly written: bigint
}

/** The replicas, with the primary behind them; looked after until the scope closes. */
export const make = Effect.fnUntraced(function*(primary: Querying, options: ReplicaOptions) {
  const counts = yield* databaseCounts
  const clock = yield* Clock.Clock
  const lagMax = Duration.toMillis(options.lagMax)
  const states = yield* Effect.forEach(
    options.replicas,
    (one) =>
      Effect.map(makeDatabase(one), (database): State => ({
        database,
        asOf: undefined,
        said: undefined
      }))
  )
  const samples: Array<Sample> = []
  const look = Effect.gen(function*() {
    const at = clock.currentTimeMillisUnsafe() // Before it is asked: as of then at the latest.
    const [row] = yield* primary.query("replicas.primary", primarySql(options.identitySql))
    samples.push({ at, written: BigInt(String(row?.[0] ?? 0)) })
    if (samples.length > samplesMax) samples.shift()
    const identity = String(row?.[1])
    yield* Effect.forEach(
      states,
      (state, number) => judge(state, number, { identity, samples, options }),
      { concurrency: "unbounded", discard: true }
    )
  })
  yield* Effect.forkScoped(Effect.forever(
    Effect.andThen(Effect.ignore(look), Effect.sleep(lagMax / looksPerLag))
  ))
  const lagOf = ({ asOf }: State): number | undefined =>
    asOf === undefined ? undefined : clock.currentTimeMillisUnsafe() - asOf
  counts.replicaLags = () => states.map(lagOf)
  const replicas: Querying = {
    query: balanced(primary, states, counts, (state) => (lagOf(state) ?? Infinity) <= lagMax)
  }
  return replicas
})

/** Asks the replicas in turn, and the primary when that fails or there is none. */
const balanced = (
  primary: Querying,
  states: ReadonlyArray<State>,
  counts: DatabaseCounts,
  isGood: (state: State) => boolean
): Querying["query"] => {
  const state = { turn: 0 }
  return (name, sql, parameters) =>
    Effect.suspend(() => {
      const good = states.filter(isGood)
      const replica = good[state.turn++ % Math.max(1, good.length)]
      const fallback = Effect.suspend(() => {
        counts.replicaFallbacks++
        return primary.query(name, sql, parameters)
      })
      if (replica === undefined) return fallback
      counts.replicaReads++
      return Effect.catch(replica.database.query(name, sql, parameters), () => fallback)
    })
}

interface Known {
  readonly identity: string
  readonly samples: ReadonlyArray<Sample>
  readonly options: ReplicaOptions
}

/** Finds out as of when a replica is. */
const judge = (state: State, number: number, known: Known): Effect.Effect<void> =>
  state.database.query("replicas.look", replicaSql(known.options.identitySql)).pipe(
    Effect.matchEffect({
      onFailure: (failure) => pass(state, number, failure.message),
      onSuccess: ([row]) => {
        const [isStandby, replayed, identity] = row ?? []
        if (isStandby !== true) return pass(state, number, "it is no standby")
        if (String(identity) !== known.identity) {
          return pass(state, number, "it is of another database")
        }
        const reached = known.samples.findLast(({ written }) =>
          written <= BigInt(String(replayed ?? 0))
        )
        state.asOf = reached?.at
        if (reached === undefined) return pass(state, number, "it is far behind")
        state.said = undefined
        return Effect.void
      }
    })
  )

/** Passes a replica over, and says so once. */
const pass = (state: State, number: number, why: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    state.asOf = undefined
    if (state.said === why) return Effect.void
    state.said = why
    return Effect.logWarning(`read replica ${number + 1} is not asked: ${why}`)
  })

/** Positions in the log of the server, as numbers of bytes. */
const primarySql = (identitySql: string): string =>
  `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text, (${identitySql})::text`

const replicaSql = (identitySql: string): string =>
  `SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery()
    THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::text END, (${identitySql})::text`
