/**
 * The log of the memory profile: it keeps what is not settled, and nothing outlives the process.
 *
 * Appending is synchronous and allocates nothing but a slot; what it costs is what an embedded
 * publish costs at least.
 */
import * as Effect from "effect/Effect"
import * as Iterable from "effect/Iterable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { DeadLetter } from "../../domain/DeadLetter.ts"
import { partitionOfId } from "../../domain/MessageId.ts"
import { logLaneCount } from "../../domain/Position.ts"
import {
  type Changes,
  type LogEntry,
  type LogUnavailable,
  MessageLog,
  type Recovered,
  type Scanned,
  type ScanRequest
} from "../../services/MessageLog.ts"
import { page } from "./DeadLetterPage.ts"
import { DelayedRows } from "./DelayedRows.ts"
import { EntryRing } from "./EntryRing.ts"
import { tenureOf } from "./Tenure.ts"

/** An empty log for as long as the layer lives. */
export const layer: Layer.Layer<MessageLog> = Layer.sync(MessageLog, () => {
  const lanes = Array.from({ length: logLaneCount }, () => new EntryRing())
  const spare = new EntryRing() // Only so that indexing needs no assertion: lanes are 0 to 127.
  const lane = (index: number): EntryRing => lanes[index] ?? spare
  const kept: Kept = { letters: new Map(), delayed: new DelayedRows() }

  const append = (
    entries: ReadonlyArray<LogEntry>,
    onDone: (failure: LogUnavailable | undefined) => () => void,
    changes?: Changes
  ): void => {
    if (changes !== undefined) applyTo(kept, changes)
    for (const entry of entries) {
      entry.pending = 1 // Until it is routed: what comes before it may be settled meanwhile.
      lane(entry.logLane).push(entry)
    }
    const goOn = onDone(undefined) // Sets `pending`: only now is known what nobody wants.
    for (const entry of entries) if (entry.pending === 0) lane(entry.logLane).settle()
    goOn()
  }

  const commit = (changes: Changes, onCommitted?: () => void) =>
    Effect.sync(() => {
      applyTo(kept, changes)
      onCommitted?.()
    })

  const findIn = (index: number, id: string): Option.Option<LogEntry> =>
    Iterable.findFirst(lane(index).from(0), (entry) => entry.message.id === id)

  return MessageLog.of({
    durability: "memory",
    retainsSettled: false,
    isPartitioned: false,
    journals: false,
    recovered: nothing,
    ...tenureOf(nothing),
    first: (index) => lane(index).first,
    head: (index) => lane(index).head,
    sizeBytes: () => lanes.reduce((sum, { bytes }) => sum + bytes, 0),
    bytesFrom: (index, offset) => bytesOf(lane(index).from(offset)),
    oldest: () => undefined,
    append,
    commit,
    journal: () => Effect.void,
    scan: (request) => Effect.sync(() => scan(lane(request.logLane), request)),
    count: ({ from, logLane, to, wants }) =>
      Effect.sync(() => {
        const isWanted = ({ message, offset }: LogEntry) => offset < to && wants(message.topic)
        return Iterable.size(Iterable.filter(lane(logLane).from(from), isWanted))
      }),
    delayed: (after, limit, bytesMax) =>
      Effect.sync(() => kept.delayed.page(after, limit, bytesMax)),
    findDelayed: (id) => Effect.sync(() => Option.fromUndefinedOr(kept.delayed.find(id))),
    // Nothing settled is kept.
    truncate: () => Effect.succeed({ entries: 0, bytes: 0, more: false }),
    find: (id) =>
      Effect.sync(() => {
        const high = partitionOfId(id) * 2
        return Option.orElse(findIn(high, id), () => findIn(high + 1, id))
      }),
    deadLetters: (filter, after, limit) =>
      Effect.sync(() => page(kept.letters.values(), filter, after, limit)),
    release: (entry) => lane(entry.logLane).settle()
  })
})

const nothing: Recovered = {
  epoch: 1,
  clean: true,
  idMillisMax: 0,
  subscriptions: [],
  nextIncarnation: 1,
  nextDeadLetter: 1,
  nextOwnRow: 1,
  cursors: [],
  ownRows: [],
  deadLetterCounts: new Map(),
  leases: [],
  delayedCount: 0,
  delayedBytes: 0,
  claims: [],
  damaged: []
}

const scan = (lane: EntryRing, request: ScanRequest): Scanned => {
  const entries: Array<LogEntry> = []
  let bytes = 0 // A running sum over what may be a whole shard: no object per entry.
  for (const entry of lane.from(request.from)) {
    if (!request.wants(entry.message.topic)) continue
    bytes += entry.bytes
    const full = entries.length >= request.countMax || bytes > request.bytesMax
    if (full && entries.length > 0) return { entries, next: entry.offset, damaged: [] }
    entries.push(entry)
  }
  return { entries, next: Math.max(lane.head, request.from), damaged: [] }
}

const bytesOf = (entries: Iterable<LogEntry>): number =>
  Iterable.reduce(entries, 0, (sum, { bytes }) => sum + bytes)

/** All that must be kept of changes: the bus holds everything else in memory. */
interface Kept {
  readonly letters: Map<number, DeadLetter>
  readonly delayed: DelayedRows
}

const applyTo = ({ delayed, letters }: Kept, changes: Changes): void => {
  for (const row of changes.delayed ?? []) delayed.put(row)
  for (const id of changes.delayedRemoved ?? []) delayed.remove(id)
  for (const letter of changes.deadLetters ?? []) letters.set(letter.id, letter)
  for (const id of changes.deadLettersRemoved ?? []) letters.delete(id)
  if (changes.subscriptionsRemoved === undefined) return
  const gone = new Set(changes.subscriptionsRemoved)
  for (const { id, incarnation } of [...letters.values()]) {
    if (gone.has(incarnation)) letters.delete(id)
  }
}
