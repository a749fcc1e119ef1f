/**
 * `codefactory audit verify`: whether anybody has altered or removed lines of an audit trail.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import type { Verified } from "../../domain/Audit.ts"
import { json } from "./Flags.ts"
import { print } from "./Output.ts"
import { counted, grouped } from "./Table.ts"

/** The trail cannot be believed from some line on. */
export class AuditBroken extends Data.TaggedError("AuditBroken")<{ readonly message: string }> {}

/** Verifies the trails of a directory. */
export type VerifyAudit<R> = (
  directory: string
) => Effect.Effect<ReadonlyArray<Verified>, PlatformError, R>

/** `codefactory audit`; a broken trail is exit code 1. */
export const audit = <R>(verify: VerifyAudit<R>) =>
  Command.make("audit").pipe(
    Command.withDescription("Work with the audit trail that AUDIT_DIR keeps"),
    Command.withSubcommands([
      Command.make(
        "verify",
        { directory: Argument.String("directory"), json },
        (asked) =>
          Effect.interruptible(Effect.gen(function*() {
            const all = yield* verify(asked.directory)
            yield* print(asked.json ? JSON.stringify(all) : textOf(all, asked.directory))
            const broken = all.find((one) => one.broken !== undefined)
            if (broken !== undefined) {
              return yield* new AuditBroken({ message: `the trail of ${broken.writer} is broken` })
            }
          }))
      ).pipe(Command.withDescription("Name the first line that was altered, or is missing"))
    ])
  )

const textOf = (all: ReadonlyArray<Verified>, directory: string): string =>
  all.length === 0
    ? `there is no audit trail in ${directory}`
    : all.map(({ broken, files, from, lines, to, writer }) =>
      broken === undefined
        ? `${writer}: ${counted(lines, "line")} in ${counted(files, "file")}, whole from ` +
          `${grouped(from)} to ${grouped(to)}`
        : `${writer}: broken at ${broken.file}:${broken.line}: ${broken.reason} ` +
          `(${counted(lines, "line")} before it are whole)`
    ).join("\n")
