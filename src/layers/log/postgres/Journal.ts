/**
 * The attempts journal in the database: one statement for all hand-outs of a tick.
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
import type { Querying } from "../../drivers/postgres/Database.ts"
import { arrayOf, int4s, int8, int8s } from "../../drivers/postgres/Parameters.ts"
import type { AttemptsJournal } from "../LogStore.ts"
import { takeBytes, writeTakes } from "../TakesCodec.ts"
import { unavailable } from "./Failures.ts"
import { schemaName } from "./Schema.ts"

/** A note that waits to be stored. */
interface Note {
  readonly takes: ReadonlyArray<Take>
  readonly resume: (result: Effect.Effect<void, LogUnavailable>) => void
}

/** Starts the journal of all partitions that this process owns, with their epochs. */
export const make = (
  database: Querying,
  epochs: ReadonlyMap<number, number>
): Effect.Effect<AttemptsJournal, never, Scope.Scope> =>
  Effect.gen(function*() {
    const work = yield* Latch.make(false)
    const state = { waiting: new Array<Note>(), number: 0, covered: 0, forgotten: 0 }

    const store = (notes: ReadonlyArray<Note>) => {
      state.number++
      const takes = notes.length === 1 ? notes[0]?.takes ?? [] : notes.flatMap(({ takes }) => takes)
      const rows = [...Map.groupBy(takes, partitionOf)]
      const stored = database.query("takes.add", addSql, [
        int4s(rows.map(([partition]) => partition)),
        int8s(rows.map(([partition]) => epochs.get(partition) ?? 0)),
        int8s(rows.map(() => state.number)),
        arrayOf("bytea", rows.map(([, takes]) => bytesOf(takes)))
      ])
      return Effect.match(stored, {
        onSuccess: () => notes.forEach(({ resume }) => resume(Effect.void)),
        onFailure: (failure) => {
          const failed = Effect.fail(unavailable(failure))
          notes.forEach(({ resume }) => resume(failed))
        }
      })
    }

    const forget = Effect.suspend(() => {
      state.forgotten = state.covered
      const gone = database.query("takes.forget", forgetSql, [
        int4s([...epochs.keys()]),
        int8s([...epochs.values()]),
        int8(state.covered)
      ])
      return Effect.ignore(gone) // If it fails, the next one forgets more.
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

const bytesOf = (takes: ReadonlyArray<Take>): Buffer => {
  const bytes = Buffer.allocUnsafe(takes.length * takeBytes)
  writeTakes(bytes, 0, takes)
  return bytes
}

const addSql = `INSERT INTO ${schemaName}.takes (partition, epoch, number, data)
  SELECT * FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::bytea[])`

const forgetSql = `DELETE FROM ${schemaName}.takes AS t
  USING unnest($1::int4[], $2::int8[]) AS g(partition, epoch)
  WHERE t.partition = g.partition AND t.epoch = g.epoch AND t.number <= $3::int8`
