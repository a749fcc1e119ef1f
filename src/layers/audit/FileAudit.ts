/**
 * The audit trail in files: every decision as a line of a chain, synced to disk each second.
 *
 * It is never in the way of the bus: what cannot be written waits, up to a limit, and what is
 * dropped is counted in the next line. A restart goes on where the last whole line ended; a torn
 * one, which no sync covered, is cut off.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { PlatformError } from "effect/PlatformError"
import type { Decision } from "../../domain/Decision.ts"
import { MessageBus } from "../../services/MessageBus.ts"
import { append, beginning, type Link, read } from "../drivers/hash/Chain.ts"
import { type AuditCounts, auditCounts } from "../observe/AuditCounts.ts"
import { fileName, filesOf } from "./AuditFiles.ts"

/** Where the trail is, and how much of it. */
export interface FileAuditOptions {
  readonly directory: string
  /** The name of this writer: letters, digits, `_` and `-`. Each has a chain of its own. */
  readonly writer: string
  readonly fileBytesMax?: number
  readonly filesMax?: number
}

/** Bytes of a file after which another one is begun, and files that are kept: 1 GiB together. */
export const auditLimits = { fileBytes: 16 * 1_048_576, files: 64 } as const

/** Decisions that wait to be written; of more, the newest are dropped. */
export const waitingMax = 10_000

/** How often they are written and synced. */
const every = Duration.seconds(1)

/** Writes the decisions of the bus that is provided, until the scope closes. */
export const layer = (
  options: FileAuditOptions
): Layer.Layer<never, never, FileSystem.FileSystem | MessageBus> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const { watching } = yield* MessageBus
    const trail = new Trail(options, yield* FileSystem.FileSystem, yield* auditCounts)
    yield* Effect.addFinalizer(() => trail.flush)
    yield* watching.onDecision((decision) => trail.take(decision))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(trail.flush, every)))
  }))

/** The trail of one writer. Mutable: it has a place in its files. */
class Trail {
  private readonly options: Required<FileAuditOptions>
  private readonly files: FileSystem.FileSystem
  private readonly counts: AuditCounts
  private waiting: Array<Decision> = []
  private dropped = 0
  private isFailing = false
  /** Where the files stand; unknown before the first look, and after a failure. */
  private place: Place | undefined = undefined

  constructor(options: FileAuditOptions, files: FileSystem.FileSystem, counts: AuditCounts) {
    this.options = {
      fileBytesMax: auditLimits.fileBytes,
      filesMax: auditLimits.files,
      ...options
    }
    this.files = files
    this.counts = counts
  }

  take(decision: Decision): void {
    if (this.waiting.length < waitingMax) this.waiting.push(decision)
    else {
      this.dropped++
      this.counts.dropped++
    }
  }

  /** Writes what waits; never fails. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() => {
    const batch = this.waiting
    if (batch.length === 0) return Effect.void
    return Effect.matchEffect(this.write(batch), {
      onSuccess: () => {
        this.waiting = this.waiting.slice(batch.length)
        this.counts.written += batch.length
        if (!this.isFailing) return Effect.void
        this.isFailing = false
        return Effect.logInfo("the audit trail is written again")
      },
      onFailure: ({ message }) => {
        this.place = undefined // It is looked up again: a part may have been written.
        this.counts.failures++
        if (this.isFailing) return Effect.void
        this.isFailing = true
        return Effect.logWarning(`the audit trail cannot be written now: ${message}`)
      }
    })
  })

  private write(batch: ReadonlyArray<Decision>): Effect.Effect<void, PlatformError> {
    return Effect.gen({ self: this }, function*() {
      const { fileBytesMax } = this.options
      const found = this.place ?? (yield* this.find())
      const place = found.bytes < fileBytesMax ? found : yield* this.rotate(found)
      const dropped = this.dropped
      let { link } = place // A chain goes on line by line.
      const lines = batch.map(({ at, ...decision }, first) => {
        const next = append(link, {
          writer: this.options.writer,
          at: new Date(at).toISOString(), // The time of the decision, as a text.
          ...decision,
          ...(first === 0 && dropped > 0 ? { dropped } : {})
        })
        link = next.link
        return `${next.line}\n`
      })
      const bytes = Buffer.from(lines.join(""))
      yield* Effect.scoped(Effect.gen({ self: this }, function*() {
        const file = yield* this.files.open(place.path, { flag: "a" })
        yield* file.writeAll(bytes)
        yield* file.sync
      }))
      this.dropped -= dropped
      this.place = { ...place, link, bytes: place.bytes + bytes.length }
    })
  }

  /** Where the newest file ends; what is torn at its end is cut off. */
  private find(): Effect.Effect<Place, PlatformError> {
    return Effect.gen({ self: this }, function*() {
      const { directory, writer } = this.options
      yield* this.files.makeDirectory(directory, { recursive: true })
      const [newest] = (yield* filesOf(this.files, directory, writer)).toReversed()
      if (newest === undefined) return this.first(1, beginning)
      const text = yield* this.files.readFileString(newest.path)
      const whole = text.slice(0, text.lastIndexOf("\n") + 1)
      const bytes = Buffer.byteLength(whole)
      if (whole.length < text.length) yield* this.files.truncate(newest.path, bytes)
      const last = whole.trimEnd().split("\n").at(-1) ?? ""
      if (last === "") return { ...newest, bytes, link: beginning }
      const line = read(last)
      // What was altered is left as it is; what comes after it begins anew, where all can see it.
      return line.isWhole
        ? { ...newest, bytes, link: line.link }
        : this.first(newest.number + 1, beginning)
    })
  }

  private rotate({ link, number }: Place): Effect.Effect<Place, PlatformError> {
    return Effect.gen({ self: this }, function*() {
      const { directory, filesMax, writer } = this.options
      const all = yield* filesOf(this.files, directory, writer)
      yield* Effect.forEach(
        all.slice(0, Math.max(0, all.length + 1 - filesMax)),
        ({ path }) => this.files.remove(path),
        { discard: true }
      )
      return this.first(number + 1, link)
    })
  }

  private first(number: number, link: Link): Place {
    const { directory, writer } = this.options
    return { path: `${directory}/${fileName(writer, number)}`, number, bytes: 0, link }
  }
}

/** The end of the newest file. */
interface Place {
  readonly path: string
  readonly number: number
  readonly bytes: number
  readonly link: Link
}
