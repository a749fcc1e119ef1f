/**
 * The embedded store: SQLite in a thread of its own, and the attempts journal beside it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { join } from "node:path"
import { millisOfId } from "../../domain/MessageId.ts"
import { LogUnavailable, LogUnopened } from "../../services/MessageLog.ts"
import { type Failure, reasonOf } from "../drivers/sqlite/Failure.ts"
import { AttemptsFiles } from "./AttemptsFiles.ts"
import { mergeAttempts, withChanged } from "./AttemptsMerge.ts"
import type { StoredBlock } from "./BlockCodec.ts"
import { type HeaderPage, LogStore } from "./LogStore.ts"
import type { PackedHeaders, StartOptions } from "./sqlite/Protocol.ts"
import { startThread } from "./sqlite/StoreThread.ts"

/**
 * The store in `options.directory`, which it makes and locks. Fails with `LogUnopened` when another
 * process has it, when a newer version wrote it, or when it is no log.
 */
export const layer = (options: StartOptions): Layer.Layer<LogStore, LogUnopened> =>
  Layer.effect(
    LogStore,
    Effect.gen(function*() {
      const unopened = unopenedAt(options.directory)
      const ask = yield* startThread(options)
      const { delayedIdMax, ...opened } = yield* Effect.mapError(ask("open", undefined), unopened)
      yield* Effect.addFinalizer(() => Effect.ignore(ask("close", undefined)))
      const journal = yield* openJournal(options.directory)
      const takes = journal.read(opened.epoch)
      const epoch = opened.epoch + 1
      const merged = mergeAttempts(opened, takes)
      yield* Effect.mapError(ask("begin", { epoch, ...merged }), unopened)
      journal.reset(epoch)
      return LogStore.of({
        durability: "local",
        recovered: {
          ...opened,
          epoch,
          idMillisMax: delayedIdMax === undefined ? 0 : millisOfId(delayedIdMax),
          ...withChanged(opened, merged)
        },
        transact: (transaction) =>
          Effect.mapError(
            ask("transact", transaction, buffersOf(transaction.block)),
            unavailable
          ),
        headers: (after) =>
          Effect.mapBoth(ask("headers", after), { onFailure: unopened, onSuccess: unpack }),
        readBlocks: (seqs) => Effect.mapError(ask("readBlocks", seqs), unavailable),
        deadLetters: (filter, after, limit) =>
          Effect.mapError(ask("deadLetters", { filter, after, limit }), unavailable),
        delayed: (after, limit, bytesMax) =>
          Effect.flatMap(
            Effect.mapError(ask("delayed", { after, limit, bytesMax }), unavailable),
            ({ damaged, rows }) =>
              damaged.length === 0
                ? Effect.succeed(rows)
                : Effect.as(Effect.logError("delayed messages are lost", ...damaged), rows)
          ),
        findDelayed: (id) =>
          Effect.mapBoth(ask("findDelayed", id), {
            onFailure: unavailable,
            onSuccess: Option.fromUndefinedOr
          }),
        rowClaims: (request) => Effect.mapError(ask("rowClaims", request), unavailable),
        truncate: (truncation) => Effect.mapError(ask("truncate", truncation), unavailable),
        journal: {
          note: (takes) =>
            Effect.suspend(() => {
              const failure = journal.note(takes)
              return failure === undefined ? Effect.void : Effect.fail(failure)
            }),
          checkpoint: journal.checkpoint
        }
      })
    })
  )

const openJournal = (directory: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => new AttemptsFiles(directory),
      catch: (cause) => unopenedAt(directory)(reasonOf(cause))
    }),
    (journal) => Effect.sync(() => journal.close())
  )

const remedies: Record<Failure["reason"], string> = {
  Locked: "another process uses it: stop that one, or choose another DATA_DIR",
  Newer: "run the version that wrote it, or a later one",
  Damaged: "restore it from a backup, or move it away to start with an empty log",
  ReadOnly: "make the directory writable for this process",
  Full: "free space on its device",
  Io: "see what the operating system says about the device"
}

const unopenedAt = (directory: string) => ({ detail, reason }: Failure): LogUnopened =>
  new LogUnopened({
    reason,
    path: join(directory, "log.db"),
    detail: `${detail}; ${remedies[reason]}`
  })

const unavailable = ({ detail, reason }: Failure): LogUnavailable =>
  new LogUnavailable({ reason: reason === "Full" || reason === "ReadOnly" ? reason : "Io", detail })

/** Header and bodies are parts of one buffer. */
const buffersOf = (block: StoredBlock | undefined): ReadonlyArray<ArrayBuffer> =>
  block?.header.buffer instanceof ArrayBuffer ? [block.header.buffer] : []

const unpack = ({ bytes, damaged, lengths, next, seqs }: PackedHeaders): HeaderPage => {
  let end = 0 // Each header starts where the one before it ends.
  const headers = seqs.map((seq, at) => {
    const start = end
    end += lengths[at] ?? 0
    return { seq, header: bytes.subarray(start, end) }
  })
  return { headers, damaged, next }
}
