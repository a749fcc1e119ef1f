/**
 * The attempts journal in the database: all hand-outs of a tick at once.
 *
 * It goes over connections whose commits do not wait for the disk: a note outlives every process
 * but the crash of the server, and costs a delivery one way to it and back. A checkpoint forgets
 * what it covers, soon and not at once: an old note only repeats what progress says anyway.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { partitionOf } from "../../../domain/AckId.ts"
import type { LogUnavailable, Take } from "../../../services/MessageLog.ts"
import type { AttemptsJournal } from "../LogStore.ts"
import { takeBytes, writeTakes } from "../TakesCodec.ts"
import { unavailable } from "./Failures.ts"
import type { TakeRows } from "./TakeRows.ts"

/** A note that waits to be stored. */
interface Note {
  readonly takes: ReadonlyArray<Take>
  readonly resume: (result: Effect.Effect<void, LogUnavailable>) => void
}

/** Starts the journal of all partitions that this process owns, with their epochs. */
export const make = (
  rows: TakeRows,
  epochs: ReadonlyMap<number, number>
): Effect.Effect<AttemptsJournal, never, Scope.Scope> =>
  Effect.gen(function*() {
    const work = yield* Latch.make(false)
    const state = { waiting: new Array<Note>(), number: 0, covered: 0, forgotten: 0 }
    const latest = new Map<number, number>() // By partition, the number of its last note.

    const store = (notes: ReadonlyArray<Note>) => {
      state.number++
      const takes = notes.length === 1 ? notes[0]?.takes ?? [] : notes.flatMap(({ takes }) => takes)
      const noted = [...Map.groupBy(takes, partitionOf)].map(([partition, takes]) => ({
        partition,
        epoch: epochs.get(partition) ?? 0,
        number: state.number,
        data: bytesOf(takes)
      }))
      for (const { number, partition } of noted) latest.set(partition, number)
      const stored = rows.add(noted)
      return Effect.match(stored, {
        onSuccess: () => notes.forEach(({ resume }) => resume(Effect.void)),
        onFailure: (failure) => {
          const failed = Effect.fail(unavailable(failure))
          notes.forEach(({ resume }) => resume(failed))
        }
      })
    }

    /** If it fails, the next one forgets more. */
    const forget = Effect.suspend(() => {
      const { covered } = state
      state.forgotten = covered
      const forgotten = rows.forget(ownersOf(latest.keys(), epochs), covered)
      return Effect.match(forgotten, {
        onSuccess: () => dropThrough(latest, covered),
        onFailure: () => {}
      })
    })

    const next = Effect.gen(function*() {
      yield* work.await
      yield* Effect.yieldNow // Lets the rest of this tick join.
      work.closeUnsafe()
      const notes = state.waiting.splice(0)
      if (notes.length > 0) yield* store(notes)
      if (state.covered > state.forgotten) yield* forget
    })
    yield* Effect.forkScoped(Effect.forever(next, { disableYield: true }))

    return {
      note: (takes) =>
        Effect.callback((resume) => {
          state.waiting.push({ takes, resume })
          work.openUnsafe()
        }),
      checkpoint: () => {
        const { number } = state
        return (outcome) => {
          if (outcome === "Failed" || number <= state.covered) return
          state.covered = number
          work.openUnsafe()
        }
      }
    }
  })

/** The partitions that are still owned. */
const ownersOf = (partitions: Iterable<number>, epochs: ReadonlyMap<number, number>) =>
  [...partitions].flatMap((partition) => {
    const epoch = epochs.get(partition)
    return epoch === undefined ? [] : [{ partition, epoch }]
  })

const dropThrough = (latest: Map<number, number>, through: number): void => {
  for (const [partition, number] of latest) {
    if (number <= through) latest.delete(partition)
  }
}

const bytesOf = (takes: ReadonlyArray<Take>): Buffer => {
  const bytes = Buffer.allocUnsafe(takes.length * takeBytes)
  writeTakes(bytes, 0, takes)
  return bytes
}
