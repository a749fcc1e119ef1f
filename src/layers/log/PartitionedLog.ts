/**
 * One log of the logs of its partitions, each of which commits by itself. There may be a log for
 * some of them only, and which changes while pods come and go: what another pod has is refused.
 *
 * A call that concerns one partition goes to its log and is all or nothing, as everywhere. One that
 * concerns several is several commits: it is done when the last one is, and after a failure some of
 * it may be stored. The bus makes such calls only where that is harmless, because they are made
 * again: progress, own rows, checkpoints.
 */
import * as Effect from "effect/Effect"
import { partitionOfId } from "../../domain/MessageId.ts"
import { partitionOfLogLane } from "../../domain/Position.ts"
import {
  type Changes,
  LogUnavailable,
  type MessageLog,
  type TruncateRequest
} from "../../services/MessageLog.ts"
import { changesByPartition } from "./ChangesByPartition.ts"
import type { AttemptsJournal } from "./LogStore.ts"

type Log = MessageLog["Service"]

/** What a partitioned log is made of. */
export interface PartitionedLogOptions {
  readonly durability: Log["durability"]
  readonly recovered: Log["recovered"]
  /** By partition; `undefined` for what another process has. Changed by whoever made it. */
  readonly logs: ReadonlyArray<Log | undefined>
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
  const ofLane = (logLane: number): Log | undefined => logs[partitionOfLogLane(logLane)]
  const sizeBytes = (): number => logs.reduce((sum, log) => sum + (log?.sizeBytes() ?? 0), 0)
  const append = appending(logs)
  return {
    durability: options.durability,
    retainsSettled: true,
    isPartitioned: true,
    journals: true,
    recovered: options.recovered,
    owns: (partition) => logs[partition] !== undefined,
    epochOf: (partition) => logs[partition]?.epochOf(partition) ?? 0,
    wasClean: (partition) => logs[partition]?.wasClean(partition) ?? true,
    first: (logLane) => ofLane(logLane)?.first(logLane) ?? 0,
    head: (logLane) => ofLane(logLane)?.head(logLane) ?? 0,
    sizeBytes,
    bytesFrom: (logLane, offset) => ofLane(logLane)?.bytesFrom(logLane, offset) ?? 0,
    oldest: () => {
      const times = logs.flatMap((log) => log?.oldest() ?? [])
      return times.length === 0 ? undefined : Math.min(...times)
    },
    append,
    commit: committing(options, append),
    journal: journal.note,
    scan: (request) =>
      ofLane(request.logLane)?.scan(request) ??
        Effect.fail(elsewhere(partitionOfLogLane(request.logLane))),
    count: (request) => ofLane(request.logLane)?.count(request) ?? Effect.succeed(0),
    find: (id) => logs[partitionOfId(id)]?.find(id) ?? Effect.succeedNone,
    truncate: (request) => truncate(logs.filter((log) => log !== undefined), sizeBytes(), request),
    release: nothing,
    ...options.listings
  }
}

/** Another process has this partition. */
export const elsewhere = (partition: number): LogUnavailable =>
  new LogUnavailable({ reason: "Fenced", detail: `another process has partition ${partition} now` })

const nothing = (): void => {}

const noParts: ReadonlyMap<number, Changes> = new Map()

const appending = (logs: PartitionedLogOptions["logs"]): Log["append"] => {
  /** Calls under way by partition: what concerns no partition waits for them, to keep the order. */
  const pending = new Map<number, number>()
  const owns = (partition: number): boolean => logs[partition] !== undefined
  return (entries, onDone, changes) => {
    const byPartition = Map.groupBy(entries, ({ partition }) => partition)
    const parts = changes === undefined ? noParts : changesByPartition(changes, owns)
    const named = new Set([...byPartition.keys(), ...parts.keys()])
    const partitions = named.size === 0 ? [...pending.keys()] : [...named]
    let left = partitions.length // Counts the commits that are still under way.
    let failed: LogUnavailable | undefined
    if (left === 0) return onDone(undefined)()
    const done = (failure: LogUnavailable | undefined): () => void => {
      failed ??= failure
      return --left === 0 ? onDone(failed) : nothing
    }
    for (const partition of partitions) {
      const log = logs[partition]
      if (log === undefined) done(elsewhere(partition))()
      else {
        pending.set(partition, (pending.get(partition) ?? 0) + 1)
        log.append(byPartition.get(partition) ?? [], (failure) => {
          const others = (pending.get(partition) ?? 1) - 1
          if (others > 0) pending.set(partition, others)
          else pending.delete(partition)
          // Late: it was let go meanwhile, and whoever has it now knows what became of this.
          return done(logs[partition] === log ? failure : elsewhere(partition))
        }, parts.get(partition))
      }
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
