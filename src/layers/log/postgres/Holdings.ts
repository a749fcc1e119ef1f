/**
 * Holdings: the partitions of a shared log that this process has, taken over and given back.
 *
 * Each has a block log of its own. Taking one over raises its epoch, which fences whoever had it;
 * giving it back stores what waits and says so in its row, so that the next one knows that nothing
 * was left behind.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { claimsMax } from "../../../domain/IdempotencyKey.ts"
import { partitionCount } from "../../../domain/Position.ts"
import { LogUnopened, type MessageLog, type Recovered } from "../../../services/MessageLog.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import { int4s, int8s } from "../../drivers/postgres/Parameters.ts"
import { mergeAttempts } from "../AttemptsMerge.ts"
import * as BlockLog from "../BlockLog.ts"
import { changesByPartition } from "../ChangesByPartition.ts"
import type { Connection, PostgresLogOptions } from "./Connection.ts"
import { netOf } from "./NetChanges.ts"
import { open, type Opened, type PartitionRow } from "./Opening.ts"
import * as PartitionStore from "./PartitionStore.ts"
import { recoveredOf } from "./Recovered.ts"
import { schemaName } from "./Schema.ts"

type Log = MessageLog["Service"]

/** What was taken over: the rows of the partitions, and what each of their logs begins with. */
export interface TakenOver {
  readonly opened: Opened
  /** By partition, in the order of `opened.partitions`. */
  readonly recovered: ReadonlyMap<number, Recovered>
  /** Lets them be used. */
  readonly open: () => void
}

/** The partitions of one process. */
export interface Holdings {
  /** By partition; `undefined` for what another process has. */
  readonly logs: ReadonlyArray<Log | undefined>
  /** Takes over these, all or none. */
  readonly take: (
    partitions: ReadonlyArray<number>
  ) => Effect.Effect<TakenOver, DatabaseFailed | LogUnopened>
  /**
   * Gives these back. What waits is stored first, if that takes no longer than a limit; what is not
   * is refused to who asked for it.
   */
  readonly giveBack: (partitions: ReadonlyArray<number>) => Effect.Effect<void>
}

/** Block logs that are opened at once. */
const openingMax = 16

/** How long giving back waits for a database that does not answer, while the process goes on. */
const closeTimeout = Duration.seconds(3)

/** After so long at the end of the process, nothing is tried again; then the rest ends soon. */
const giveUpAfter = Duration.seconds(5)

/** Longest time of the last giving back. */
const endTimeout = Duration.seconds(10)

/** No partitions yet; those that are there when the scope closes are given back. */
export const make = (
  connection: Connection,
  options: PostgresLogOptions
): Effect.Effect<Holdings, never, Scope.Scope> =>
  Effect.gen(function*() {
    const held = new Held(connection, options)
    yield* Effect.addFinalizer(() => held.end)
    // Registered last, so that it comes first: what waits for a database that is away gives up.
    yield* Effect.addFinalizer(() =>
      Effect.forkDetach(Effect.delay(connection.committer.giveUp, giveUpAfter))
    )
    return held
  })

/** The logs that are open, each with a scope of its own. Mutable: partitions come and go. */
class Held implements Holdings {
  readonly logs: Array<Log | undefined> = new Array(partitionCount).fill(undefined)
  private readonly scopes = new Map<number, Scope.Closeable>()
  private readonly connection: Connection
  private readonly options: PostgresLogOptions
  /** At the end of the process the closed logs stay, and say so to who still calls. */
  private isEnding = false

  constructor(connection: Connection, options: PostgresLogOptions) {
    this.connection = connection
    this.options = options
  }

  take(
    partitions: ReadonlyArray<number>
  ): Effect.Effect<TakenOver, DatabaseFailed | LogUnopened> {
    return Effect.gen({ self: this }, function*() {
      const { connection: { database, epochs }, options: { owner } } = this
      const opened = yield* open(database, partitions, owner)
      if (opened.partitions.length !== partitions.length) return yield* tampered
      for (const { epoch, partition } of opened.partitions) epochs.set(partition, epoch)
      const rows = yield* merged(this.connection, opened)
      const parts = yield* Effect.forEach(rows, (row) => this.openLog(opened, row), {
        concurrency: openingMax
      })
      return {
        opened: { ...opened, partitions: rows },
        recovered: new Map(parts.map(([partition, log]) => [partition, log.recovered])),
        open: () => parts.forEach(([partition, log]) => this.show(partition, log))
      }
    }).pipe(Effect.onError(() => this.giveBack(partitions)))
  }

  private openLog(opened: Opened, row: PartitionRow) {
    return Effect.gen({ self: this }, function*() {
      const { claimsFor, claimsMax: keysMax = claimsMax } = this.options
      const { committer, counts, database, durability, journal, listings, replicas } = this
        .connection
      const scope = yield* Scope.make()
      this.scopes.set(row.partition, scope)
      const recovered = recoveredOf(opened, row)
      const store = PartitionStore.make(database, replicas, committer, {
        ...row,
        recovered,
        durability,
        journal,
        counts,
        listings
      })
      const cacheBytesMax = BlockLog.cacheBytesMax / partitionCount
      const log = yield* Scope.provide(
        BlockLog.make(store, { claimsFor, keysMax, cacheBytesMax }),
        scope
      )
      return [row.partition, log] as const
    })
  }

  /** Lets a log be used, unless it was given back by then. */
  private show(partition: number, log: Log): void {
    if (this.scopes.has(partition)) this.logs[partition] = log
  }

  giveBack(partitions: ReadonlyArray<number>, limit = closeTimeout): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.gen({ self: this }, function*() {
      const { database, epochs } = this.connection
      const wholly = yield* Effect.forEach(partitions, (one) => this.close(one, limit), {
        concurrency: "unbounded"
      })
      const clean = partitions.flatMap((partition, at) => {
        const epoch = epochs.get(partition)
        epochs.delete(partition)
        return epoch === undefined || wholly[at] !== true ? [] : [[partition, epoch] as const]
      })
      if (clean.length === 0) return
      yield* database.query("partitions.give back", giveBackSql, [
        int4s(clean.map(([partition]) => partition)),
        int8s(clean.map(([, epoch]) => epoch))
      ]).pipe(Effect.timeoutOption(closeTimeout), Effect.ignore)
    }))
  }

  /** Closes the log of a partition; whether everything was stored in time. */
  private close(partition: number, limit: Duration.Duration): Effect.Effect<boolean> {
    return Effect.gen({ self: this }, function*() {
      const scope = this.scopes.get(partition)
      this.scopes.delete(partition)
      if (scope === undefined) return false
      const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void))
      const closed = yield* Effect.timeoutOption(Fiber.await(closing), limit)
      if (!this.isEnding) this.logs[partition] = undefined
      return Option.isSome(closed)
    })
  }

  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isEnding = true
      return this.giveBack([...this.scopes.keys()], endTimeout)
    })
  }
}

const tampered = new LogUnopened({
  reason: "Damaged",
  path: "DATABASE_URL",
  detail: `the table partitions does not have ${partitionCount} rows; restore it from a backup`
})

/** Stores the journalled attempts with the progress they belong to, and forgets the notes. */
const merged = Effect.fnUntraced(function*(
  { committer, database }: Connection,
  opened: Opened
) {
  const parts = changesByPartition(mergeAttempts(opened, opened.takes))
  const partitions = yield* Effect.forEach(
    opened.partitions,
    Effect.fnUntraced(function*(row: PartitionRow) {
      const changes = parts.get(row.partition)
      if (changes === undefined) return row
      yield* committer.commit({ ...row, block: undefined, changes: netOf([changes]) })
      return { ...row, version: row.version + 1 }
    }),
    { concurrency: "unbounded" }
  )
  yield* database.query("takes.clear", clearTakesSql, [
    int4s(partitions.map(({ partition }) => partition)),
    int8s(partitions.map(({ epoch }) => epoch))
  ])
  return partitions
})

const clearTakesSql = `DELETE FROM ${schemaName}.takes AS t
  USING unnest($1::int4[], $2::int8[]) AS g(partition, epoch)
  WHERE t.partition = g.partition AND t.epoch < g.epoch`

const giveBackSql = `UPDATE ${schemaName}.partitions AS p SET clean = true, owner = ''
  FROM unnest($1::int4[], $2::int8[]) AS g(partition, epoch)
  WHERE p.partition = g.partition AND p.epoch = g.epoch`
