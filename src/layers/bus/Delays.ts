/**
 * Delays: messages that wait for their time in a table of the log, and enter it when it has come.
 *
 * One commit deletes the row and appends the message, so it is never lost and never twice; offset,
 * order and matching count from then. One fibre sleeps until the earliest is due. Nothing is
 * delivered before its time, for until then no consumer can see it.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { type Draft, enteredAt, type Message, MessageInvalid } from "../../domain/Message.ts"
import { partitionOfId } from "../../domain/MessageId.ts"
import { logLaneOf } from "../../domain/Position.ts"
import { laneOf } from "../../domain/Priority.ts"
import { DelayedLimit } from "../../services/LogCapacity.ts"
import type { Delayed, LogEntry, LogUnavailable } from "../../services/MessageLog.ts"
import { apart } from "./Apart.ts"
import type { Core } from "./Core.ts"
import type { CoreOptions } from "./CoreOptions.ts"
import { DelayCounts } from "./DelayCounts.ts"
import { DelayWindow, windowMax } from "./DelayWindow.ts"
import { isOpen } from "./Openness.ts"
import { type Outgoing, route, type StartReader } from "./Router.ts"

/** Most messages that wait. Source: design, section 9, "Limits". */
export const delayedMax = 1_000_000

/** When a message that found its shard closed is looked at again, in milliseconds. */
export const blockedRetryMs = 250

/** Wait after the log failed. */
export const delayRetryMs = 1_000

/** Messages in one append. */
const appendMax = 256

/** Longest sleep: timers hold no more than 31 bits of milliseconds. */
const sleepMaxMs = 3_600_000

/** Whether a message waits: its time had not come when it was published. */
export const waits = ({ deliverAt, publishedAt }: Message): boolean =>
  deliverAt !== undefined && deliverAt > publishedAt

/** The row of a message that waits. */
export const delayedOf = ({ bytes, fingerprint, message }: LogEntry): Delayed => ({
  id: message.id,
  dueAt: enteredAt(message),
  message,
  fingerprint,
  bytes
})

/** How many messages wait, and the first of them. Mutable on purpose. */
export class Delays extends DelayCounts {
  readonly window: DelayWindow
  readonly changed = Latch.makeUnsafe(false)
  private readonly countMax: number
  /** What lives in memory alone may have as much of it as all shards. */
  private readonly bytesMax: number

  constructor({ delayedMax: countMax, limits, log, shardCount }: CoreOptions) {
    super()
    const { delayedBytes, delayedCount } = log.recovered
    this.recover(0, delayedCount, delayedBytes) // Of all partitions: none of them ever leaves.
    this.window = new DelayWindow(this.count === 0)
    this.countMax = countMax
    this.bytesMax = log.retainsSettled ? Number.POSITIVE_INFINITY : limits.bytesMax * shardCount
  }

  /** The partitions changed: what is due first must be asked for again. */
  renew(): void {
    this.window.clear(this.count === 0)
    this.changed.openUnsafe()
  }

  /** Why a message with a delivery time cannot be published. */
  refusal(draft: Draft, now: number): MessageInvalid | DelayedLimit | undefined {
    const { deliverAt = 0, expiresAt } = draft
    if (expiresAt !== undefined && expiresAt <= deliverAt) {
      return new MessageInvalid({ field: "expiresAt", reason: "expected a time after deliverAt" })
    }
    const hasRoom = this.count < this.countMax && this.bytes + draft.payloadBytes <= this.bytesMax
    return hasRoom || deliverAt <= now
      ? undefined
      : new DelayedLimit({ limit: this.count, retryAfterMs: delayRetryMs })
  }

  /** A message is about to be stored. */
  reserve({ bytes, partition }: LogEntry): void {
    this.recover(partition, 1, bytes)
  }

  /** It was not stored, or it left. */
  release({ bytes, partition }: LogEntry): void {
    this.recover(partition, -1, -bytes)
  }

  /** It is stored. */
  stored(row: Delayed): void {
    this.window.add(row)
    if (this.window.held[0] === row || this.window.needsPage) this.changed.openUnsafe()
  }
}

/** Appends what is due, for ever. What is due when the bus closes stays for the next one. */
export const run = (core: Core, startReader: StartReader): Effect.Effect<never> => {
  const { window, changed } = core.delays
  const turn = Effect.suspend((): Effect.Effect<void, LogUnavailable> => {
    changed.closeUnsafe()
    if (window.needsPage) return readPage(core)
    const now = core.now()
    const [first] = window.held
    if (first === undefined || !isOpen(core)) return changed.await
    if (first.dueAt > now) return sleepUntil(core, first.dueAt)
    return Effect.flatMap(
      appendDue(core, startReader, window.held),
      (appended) => appended > 0 ? Effect.void : blocked(core, startReader)
    )
  })
  return Effect.forever(Effect.catch(turn, (unavailable) =>
    Effect.andThen(
      Effect.logWarning("delayed messages could not be moved; trying again", unavailable),
      Effect.sleep(delayRetryMs)
    )))
}

const sleepUntil = (core: Core, dueAt: number): Effect.Effect<void> => {
  const left = Math.min(sleepMaxMs, Math.max(1, dueAt - core.now()))
  return Effect.raceFirst(core.delays.changed.await, Effect.sleep(left))
}

const readPage = (core: Core): Effect.Effect<void, LogUnavailable> => {
  const { window } = core.delays
  const begun = window.beginPage()
  return core.log.delayed(window.last, windowMax.count, windowMax.bytes).pipe(
    Effect.tap((page) => Effect.sync(() => window.endPage(page, begun))),
    Effect.tapCause(() => Effect.sync(() => window.endPage(undefined, begun))),
    Effect.asVoid
  )
}

/**
 * Nothing of the window can be appended now. Its next messages may be due later; or their shards
 * are closed, and those of other shards that are due behind the window must not wait for them.
 */
const blocked = (core: Core, startReader: StartReader): Effect.Effect<void, LogUnavailable> => {
  const { window } = core.delays
  const next = window.held.find(({ dueAt }) => dueAt > core.now())
  const beyond = next === undefined && !window.isComplete
    ? Effect.flatMap(
      core.log.delayed(window.last, windowMax.count, windowMax.bytes),
      (page) => appendDue(core, startReader, page)
    )
    : Effect.void
  const until = Math.min(core.now() + blockedRetryMs, next?.dueAt ?? Number.POSITIVE_INFINITY)
  return Effect.andThen(beyond, sleepUntil(core, until))
}

/**
 * Appends those of `rows` that are due and find a place, in their order; returns how many. Behind
 * one that finds none, its shard takes no other: they keep the order in which they are due.
 */
const appendDue = (
  core: Core,
  startReader: StartReader,
  rows: ReadonlyArray<Delayed>
): Effect.Effect<number, LogUnavailable> =>
  Effect.suspend(() => {
    const now = core.now()
    const closed = new Set<number>()
    const outgoing: Array<Outgoing> = []
    for (const row of rows) { // Ends at the first that is not due.
      if (row.dueAt > now || outgoing.length >= appendMax) break
      const shard = core.shardOf(row.message.topic, row.message.key)
      if (closed.has(shard.id)) continue
      if (shard.paused || shard.isFull(row.bytes)) closed.add(shard.id)
      else {
        const entry = entryOf(row)
        outgoing.push({ entry, slot: core.slotFor(entry) })
      }
    }
    return outgoing.length === 0 ? Effect.succeed(0) : append(core, startReader, outgoing)
  })

/** Those of each call of the log by themselves; the first that fails is told of. */
const append = (
  core: Core,
  startReader: StartReader,
  outgoing: ReadonlyArray<Outgoing>
): Effect.Effect<number, LogUnavailable> =>
  Effect.map(
    Effect.forEach(
      apart(core.log, outgoing, ({ entry }) => entry.partition),
      (part) => appendTogether(core, startReader, part),
      { concurrency: "unbounded" }
    ),
    (counts) => counts.reduce((sum, count) => sum + count, 0)
  )

/** Not interruptible: what was reserved is settled by the answer of the log. */
const appendTogether = (
  core: Core,
  startReader: StartReader,
  outgoing: ReadonlyArray<Outgoing>
): Effect.Effect<number, LogUnavailable> =>
  Effect.uninterruptible(Effect.callback((resume) => {
    const entries = outgoing.map(({ entry }) => entry)
    const ids = entries.map(({ message }) => message.id)
    core.log.append(entries, (failure) => {
      if (failure !== undefined) {
        outgoing.forEach(({ slot }) => slot.free())
        return () => resume(Effect.fail(failure))
      }
      core.delays.window.remove(new Set(ids))
      for (const item of outgoing) {
        core.delays.release(item.entry)
        route(core, startReader, item)
      }
      return () => resume(Effect.succeed(outgoing.length))
    }, { delayedRemoved: ids })
  }))

const entryOf = ({ bytes, fingerprint, message }: Delayed): LogEntry => {
  const partition = partitionOfId(message.id)
  const lane = laneOf(message.priority)
  return {
    message,
    bytes,
    partition,
    lane,
    logLane: logLaneOf(partition, lane),
    fingerprint,
    offset: -1,
    pending: 0
  }
}
