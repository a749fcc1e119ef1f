/**
 * One log of the logs of its partitions, each of which commits by itself.
 *
 * A call that concerns one partition goes to its log and is all or nothing, as everywhere. One that
 * concerns several is several commits: it is done when the last one is, and after a failure some of
 * it may be stored. The bus makes such calls only where that is harmless, because they are made
 * again: progress, own rows, checkpoints.
 */
import * as Effect from "effect/Effect"
import { partitionOfId } from "../../domain/MessageId.ts"
import { partitionOfLogLane } from "../../domain/Position.ts"
import type {
  Changes,
  LogUnavailable,
  MessageLog,
  TruncateRequest
} from "../../services/MessageLog.ts"
import { changesByPartition } from "./ChangesByPartition.ts"
import type { AttemptsJournal } from "./LogStore.ts"

type Log = MessageLog["Service"]

/** What a partitioned log is made of. */
export interface PartitionedLogOptions {
  readonly durability: Log["durability"]
  readonly recovered: Log["recovered"]
  /** By partition. */
  readonly logs: ReadonlyArray<Log>
  /** Subscriptions belong to no partition. */
  readonly commitSubscriptions: (
    changes: Pick<Changes, "subscriptions" | "subscriptionsRemoved">
  ) => Effect.Effect<void, LogUnavailable>
  readonly journal: AttemptsJournal
  readonly listings: Pick<Log, "deadLetters" | "delayed" | "findDelayed">
}

/** Truncations of partitions under way at once. */
const truncationsMax = 4

/** The log of all of them. */
export const make = (options: PartitionedLogOptions): Log => {
  const { journal, logs } = options
  const ofLane = (logLane: number): Log => logOf(logs, partitionOfLogLane(logLane))
  const sizeBytes = (): number => logs.reduce((sum, log) => sum + log.sizeBytes(), 0)
  const append = appending(logs)
  return {
    durability: options.durability,
    retainsSettled: true,
    isPartitioned: true,
    journals: true,
    recovered: options.recovered,
    first: (logLane) => ofLane(logLane).first(logLane),
    head: (logLane) => ofLane(logLane).head(logLane),
    sizeBytes,
    bytesFrom: (logLane, offset) => ofLane(logLane).bytesFrom(logLane, offset),
    oldest: () => {
      const times = logs.flatMap((log) => log.oldest() ?? [])
      return times.length === 0 ? undefined : Math.min(...times)
    },
    append,
    commit: committing(options, append),
    journal: journal.note,
    scan: (request) => ofLane(request.logLane).scan(request),
    count: (request) => ofLane(request.logLane).count(request),
    find: (id) => logOf(logs, partitionOfId(id)).find(id),
    truncate: (request) => truncate(logs, sizeBytes(), request),
    release: nothing,
    ...options.listings
  }
}

const logOf = (logs: ReadonlyArray<Log>, partition: number): Log => {
  const log = logs[partition]
  if (log === undefined) throw new Error(`there is no partition ${partition}`) // A bug.
  return log
}

const nothing = (): void => {}

const noParts: ReadonlyMap<number, Changes> = new Map()

const appending = (logs: ReadonlyArray<Log>): Log["append"] => {
  /** Calls under way by partition: what concerns no partition waits for them, to keep the order. */
  const pending = new Map<number, number>()
  return (entries, onDone, changes) => {
    const byPartition = Map.groupBy(entries, ({ partition }) => partition)
    const parts = changes === undefined ? noParts : changesByPartition(changes)
    const named = new Set([...byPartition.keys(), ...parts.keys()])
    const partitions = named.size === 0 ? [...pending.keys()] : [...named]
    let left = partitions.length // Counts the commits that are still under way.
    let failed: LogUnavailable | undefined
    if (left === 0) return onDone(undefined)()
    for (const partition of partitions) {
      pending.set(partition, (pending.get(partition) ?? 0) + 1)
      logOf(logs, partition).append(byPartition.get(partition) ?? [], (failure) => {
        const others = (pending.get(partition) ?? 1) - 1
        if (others > 0) pending.set(partition, others)
        else pending.delete(partition)
        failed ??= failure
        return --left === 0 ? onDone(failed) : nothing
      }, parts.get(partition))
    }
  }
}

const committing = (
  { commitSubscriptions, journal }: PartitionedLogOptions,
  append: Log["append"]
): Log["commit"] =>
(changes, onCommitted = nothing) => {
  // At the call, not when the effect runs: `changes` know nothing of what is taken between.
  const checkpoint = changes.checkpoint === true ? journal.checkpoint() : undefined
  const { subscriptions, subscriptionsRemoved } = changes
  const parts = (onDone: () => void): Effect.Effect<void, LogUnavailable> =>
    Effect.callback((resume) =>
      append([], (failure) => {
        if (failure !== undefined) return () => resume(Effect.fail(failure))
        onDone()
        return () => resume(Effect.void)
      }, changes)
    )
  const stored = subscriptions === undefined && subscriptionsRemoved === undefined
    ? parts(onCommitted)
    : Effect.gen(function*() {
      if (subscriptions !== undefined) yield* commitSubscriptions({ subscriptions })
      yield* parts(nothing)
      if (subscriptionsRemoved !== undefined) yield* commitSubscriptions({ subscriptionsRemoved })
      onCommitted()
    })
  return checkpoint === undefined ?
    stored :
    Effect.onExit(
      stored,
      (exit) => Effect.sync(() => checkpoint(exit._tag === "Success" ? "Committed" : "Failed"))
    )
}

/** Each partition keeps its share of what may be kept. */
const truncate = (logs: ReadonlyArray<Log>, sizeBytes: number, request: TruncateRequest) => {
  const share = Math.min(1, request.bytesMax / Math.max(1, sizeBytes))
  return Effect.map(
    Effect.forEach(
      logs,
      (log) => log.truncate({ ...request, bytesMax: Math.floor(log.sizeBytes() * share) }),
      { concurrency: truncationsMax }
    ),
    (parts) => ({
      entries: parts.reduce((sum, { entries }) => sum + entries, 0),
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      more: parts.some(({ more }) => more)
    })
  )
}
