/**
 * The files of an audit trail, and whether anything in them was altered or removed.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import type { Verified } from "../../domain/Audit.ts"
import { read } from "../drivers/hash/Chain.ts"

const shape = /^audit-([A-Za-z0-9_-]+)-(\d{8})\.ndjson$/

/** The name of the file of a writer with a number, from 1. */
export const fileName = (writer: string, number: number): string =>
  `audit-${writer}-${String(number).padStart(8, "0")}.ndjson`

/** A file of a trail. */
export interface AuditFile {
  readonly path: string
  readonly writer: string
  readonly number: number
}

/** The files of a writer, or of all, in their order. */
export const filesOf = (
  files: FileSystem.FileSystem,
  directory: string,
  writer?: string
): Effect.Effect<ReadonlyArray<AuditFile>, PlatformError> =>
  Effect.map(files.readDirectory(directory), (names) =>
    names
      .flatMap((name): ReadonlyArray<AuditFile> => {
        const [, of, number] = shape.exec(name) ?? []
        return of === undefined || (writer !== undefined && of !== writer)
          ? []
          : [{ path: `${directory}/${name}`, writer: of, number: Number(number) }]
      })
      .toSorted((a, b) => a.writer.localeCompare(b.writer) || a.number - b.number))

/** Verifies the trails of a directory. A chain is believed up to its first broken line. */
export const verify = (
  files: FileSystem.FileSystem,
  directory: string
): Effect.Effect<ReadonlyArray<Verified>, PlatformError> =>
  Effect.gen(function*() {
    const all = Map.groupBy(yield* filesOf(files, directory), ({ writer }) => writer)
    return yield* Effect.forEach([...all], ([writer, own]) => verifyOne(files, writer, own))
  })

const verifyOne = (
  files: FileSystem.FileSystem,
  writer: string,
  own: ReadonlyArray<AuditFile>
): Effect.Effect<Verified, PlatformError> =>
  Effect.gen(function*() {
    const state = { lines: 0, from: 0, to: -1, hash: "" }
    const found = (broken: Verified["broken"]): Verified => ({
      writer,
      files: own.length,
      lines: state.lines,
      from: state.from,
      to: state.to,
      broken
    })
    for (const { path } of own) {
      const lines = (yield* files.readFileString(path)).split("\n")
      for (const [at, text] of lines.entries()) {
        if (text === "" && at === lines.length - 1) continue
        const line = read(text)
        const reason = line.isWhole ? reasonOf(line, state) : line.reason
        if (!line.isWhole || reason !== undefined) {
          return found({ file: path, line: at + 1, reason: reason ?? "it cannot be read" })
        }
        if (state.lines === 0) state.from = line.n
        state.lines++
        state.to = line.n
        state.hash = line.link.hash
      }
    }
    return found(undefined)
  })

/** Why a whole line does not follow the one before. The first one may follow deleted files. */
const reasonOf = (
  { n, prev }: { readonly n: number; readonly prev: string },
  { hash, lines, to }: { readonly hash: string; readonly lines: number; readonly to: number }
): string | undefined => {
  if (lines === 0) {
    return n === 0 && prev !== ""
      ? "it is the first one and follows another"
      : undefined
  }
  if (n !== to + 1) return `it is number ${n}, after ${to}: lines before it were removed`
  return prev === hash ? undefined : "it does not follow the line before it, which was altered"
}
