/**
 * Group commit: all that is called within a tick, or while a transaction is under way, is stored by
 * the next one. Exactly one is under way at a time.
 *
 * The calls of a transaction succeed or fail together. An entry gets its offset when it is stored,
 * so that a failed transaction leaves no trace and the offsets stay dense.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { type Changes, type LogEntry, LogUnavailable } from "../../services/MessageLog.ts"
import { BlockHeader, BlockWriter } from "./BlockCodec.ts"
import type { BlockIndex } from "./BlockIndex.ts"
import type { LogStore, Stored } from "./LogStore.ts"

/** Most of one transaction, unless a single call is larger. Bounds its memory and its duration. */
export const transactionMax = { entries: 10_000, bytes: 16 * 1_048_576, calls: 10_000 } as const

/**
 * Of that many calls or more, half of the callers go on while what the other half calls next is
 * being stored already: two threads work at once instead of in turn. Fewer gain more by a common
 * commit. Measured: a tenth more messages with 1,024 publishers.
 */
const overlapMin = 512

/** One call that waits to be stored. */
interface Call {
  readonly entries: ReadonlyArray<LogEntry>
  readonly changes: Changes | undefined
  readonly onDone: OnDone
}

/**
 * Told at the commit, in the order of the calls; with a failure nothing was stored. What it returns
 * lets the caller go on.
 */
export type OnDone = (failure: LogUnavailable | undefined) => () => void

/** Stores entries, or a change. */
export type Submit = (
  entries: ReadonlyArray<LogEntry>,
  changes: Changes | undefined,
  onDone: OnDone
) => void

/** Starts the writer; closing the scope refuses new calls and stores those that wait. */
export const make = (
  store: LogStore["Service"],
  index: BlockIndex
): Effect.Effect<Submit, never, Scope.Scope> =>
  Effect.gen(function*() {
    const work = yield* Latch.make(false)
    const writer = new BlockWriter()
    const state = { waiting: new Array<Call>(), isOverlapping: false, isClosed: false }

    const storeNext = Effect.gen(function*() {
      yield* work.await
      if (!state.isOverlapping) yield* Effect.yieldNow // Lets the rest of this tick join.
      const batch = state.waiting.splice(0, batchLength(state.waiting))
      if (state.waiting.length === 0 && !state.isClosed) work.closeUnsafe()
      if (batch.length === 0) return
      const entries = batch.flatMap((call) => call.entries)
      const seq = index.nextBlock
      const stored = yield* Effect.result(Effect.catchDefect(
        Effect.suspend(() =>
          store.transact({
            seq,
            block: entries.length === 0 ? undefined : writer.write(seq, entries, index.head),
            changes: batch.flatMap(({ changes }) => changes ?? [])
          })
        ),
        (bug) => Effect.fail(new LogUnavailable({ reason: "Io", detail: String(bug) }))
      ))
      const goOn = Result.isSuccess(stored)
        ? finish(index, batch, stored.success)
        : batch.map(({ onDone }) => told(onDone, stored.failure))
      const first = goOn.length < overlapMin ? goOn.length : goOn.length >>> 1
      yield* runAll(goOn.slice(0, first))
      state.isOverlapping = first < goOn.length
      // Detached: it takes one turn, and the writer may end before that.
      if (state.isOverlapping) yield* Effect.forkDetach(runAll(goOn.slice(first)))
    })

    const loop = yield* Effect.forkScoped(
      Effect.whileLoop({
        while: () => !state.isClosed || state.waiting.length > 0,
        body: () => storeNext,
        step: () => {}
      })
    )
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        state.isClosed = true
        work.openUnsafe()
        return Fiber.await(loop)
      })
    )
    return (entries, changes, onDone) => {
      if (state.isClosed) return onDone(closed)()
      state.waiting.push({ entries, changes, onDone })
      if (state.waiting.length === 1) work.openUnsafe()
    }
  })

const closed = new LogUnavailable({ reason: "Closed", detail: "the log was closed" })

/** How many of the waiting calls the next transaction takes: at least one. */
const batchLength = (waiting: ReadonlyArray<Call>): number => {
  let entries = 0 // Running sums over every waiting call (hot path).
  let bytes = 0
  const end = Math.min(waiting.length, transactionMax.calls)
  for (let at = 0; at < end; at++) {
    const call = waiting[at]
    entries += call?.entries.length ?? 0
    for (const entry of call?.entries ?? []) bytes += entry.bytes
    for (const row of call?.changes?.delayed ?? []) bytes += row.bytes
    if (at > 0 && (entries > transactionMax.entries || bytes > transactionMax.bytes)) return at
  }
  return end
}

/**
 * Makes a stored transaction visible call by call, so that each callback sees exactly what was
 * called before it. What it returns lets the callers go on.
 */
const finish = (
  index: BlockIndex,
  batch: ReadonlyArray<Call>,
  { block, sizeBytes }: Stored
): ReadonlyArray<() => void> => {
  index.sizeBytes = sizeBytes
  const add = block === undefined ? undefined : index.adder(block, new BlockHeader(block.header))
  return batch.map(({ entries, onDone }) => {
    for (const entry of entries) entry.offset = add?.() ?? -1
    return told(onDone, undefined)
  })
}

/** A callback that throws is a bug; it is logged, and does not stop the log for everyone else. */
const told = (onDone: OnDone, failure: LogUnavailable | undefined): () => void => {
  try { // Wraps foreign code.
    return onDone(failure)
  } catch (bug) {
    return () => {
      throw bug
    }
  }
}

const runAll = (functions: ReadonlyArray<() => void>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const bugs = functions.flatMap(thrownBy)
    return bugs.length === 0 ? Effect.void : Effect.logError("a callback of the log threw", ...bugs)
  })

const thrownBy = (run: () => void): ReadonlyArray<unknown> => {
  try { // As above.
    run()
    return []
  } catch (bug) {
    return [bug]
  }
}
