/**
 * The store of one partition: what the block log over it needs, as statements that name the
 * partition.
 */
import * as Effect from "effect/Effect"
import type { Querying, Transacting } from "../../drivers/postgres/Database.ts"
import type { DatabaseCounts } from "../../observe/DatabaseCounts.ts"
import { seal } from "../BlockLayout.ts"
import type { AttemptsJournal, LogStore, StoreRecovered, Transaction } from "../LogStore.ts"
import { blockRows } from "./BlockRows.ts"
import type { Committer } from "./Committer.ts"
import { fenced, unavailable } from "./Failures.ts"
import { isEmpty, netOf } from "./NetChanges.ts"
import { bytesGone, truncation } from "./TruncateTransaction.ts"

/** What a store needs to know of its partition. */
export interface PartitionStoreOptions {
  readonly partition: number
  readonly epoch: number
  readonly version: number
  readonly recovered: StoreRecovered
  readonly durability: LogStore["Service"]["durability"]
  readonly journal: AttemptsJournal
  readonly counts: DatabaseCounts
  /** Rows of all partitions: dead letters and delayed messages are listed over all of them. */
  readonly listings: Pick<LogStore["Service"], "deadLetters" | "delayed" | "findDelayed">
}

/** The store of a partition that this process owns. */
export const make = (
  database: Transacting,
  replicas: Querying,
  committer: Committer,
  options: PartitionStoreOptions
): LogStore["Service"] => {
  const { counts, epoch, partition } = options
  const state = { version: options.version, sizeBytes: options.recovered.sizeBytes }

  const transact = ({ block, changes }: Transaction) =>
    Effect.gen(function*() {
      const net = netOf(changes)
      if (block === undefined && isEmpty(net)) return { block, sizeBytes: state.sizeBytes }
      if (block !== undefined) seal(block.header, block.bodies)
      const { version } = state
      const commit = { partition, epoch, version, block, changes: net }
      if ((yield* committer.commit(commit)) === "Fenced") {
        counts.staleCommits++
        return yield* fenced
      }
      state.version++
      if (block !== undefined) state.sizeBytes += block.header.byteLength + block.bodies.byteLength
      return { block, sizeBytes: state.sizeBytes }
    }).pipe(Effect.catchTag("DatabaseFailed", (failure) => Effect.fail(unavailable(failure))))

  return {
    durability: options.durability,
    recovered: options.recovered,
    transact,
    ...blockRows(database, replicas, partition),
    truncate: (request) =>
      Effect.gen(function*() {
        const statements = truncation({ partition, epoch, request })
        const gone = bytesGone(yield* database.transaction("blocks.truncate", statements))
        if (gone === undefined) return yield* fenced
        state.sizeBytes = Math.max(0, state.sizeBytes - gone)
        return { sizeBytes: state.sizeBytes }
      }).pipe(Effect.catchTag("DatabaseFailed", (failure) => Effect.fail(unavailable(failure)))),
    journal: options.journal,
    ...options.listings
  }
}
