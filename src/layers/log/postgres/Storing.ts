/**
 * How commits reach the database: all that wait in one statement, or each in a transaction of its
 * own where Citus distributes the tables.
 */
import * as Effect from "effect/Effect"
import type { Transacting } from "../../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import type { Commit } from "./CommitParts.ts"
import { statementOf } from "./CommitStatement.ts"
import { transactionOf } from "./CommitTransaction.ts"

/** A way to store commits. */
export interface Storing {
  /** Commits of a batch. */
  readonly commitsMax: number
  /** Batches under way at once. */
  readonly batchesMax: number
  /** Stores a batch, of a partition each; the partitions that were stored, of those that own it. */
  readonly store: (
    commits: ReadonlyArray<Commit>
  ) => Effect.Effect<ReadonlySet<unknown>, DatabaseFailed>
}

/**
 * Statements under way at once. More would commit more often with less in each; fewer would let a
 * slow one hold up all partitions.
 */
const statementsMax = 4

/** All in one statement, which costs the database the least. */
export const together = (database: Transacting): Storing => ({
  commitsMax: Number.POSITIVE_INFINITY,
  batchesMax: statementsMax,
  store: (commits) => {
    const { parameters, sql } = statementOf(commits)
    return Effect.map(
      database.query("log.commit", sql, parameters),
      (rows) => new Set(rows.map(([partition]) => partition))
    )
  }
})

/** Transactions under way at once. Each has a connection for itself meanwhile. */
const transactionsMax = 16

/** Each to the server that has its partition. */
export const byPartition = (database: Transacting): Storing => ({
  commitsMax: 1,
  batchesMax: transactionsMax,
  store: (commits) =>
    Effect.map(
      Effect.forEach(commits, (commit) =>
        Effect.map(
          database.transaction("log.commit", transactionOf(commit)),
          ([stored]) => stored?.[0]?.[0]
        )),
      (partitions) => new Set(partitions)
    )
})
