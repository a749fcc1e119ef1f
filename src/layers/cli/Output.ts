/**
 * Output: standard output and error of the process.
 *
 * Written text is waited for, so that a message is acknowledged only once it was printed, and a
 * reader that went away (`| head`) is an error a command ends by rather than a crash.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import process from "node:process"

/** The reader of standard output is gone. */
export class OutputClosed extends Data.TaggedError("OutputClosed")<{ readonly cause: unknown }> {}

/** Where a command writes. */
export interface Output {
  /** Writes a line to standard output. */
  readonly print: (line: string) => Effect.Effect<void, OutputClosed>
  /** Writes text to standard error as it is; nobody waits for it and nothing fails by it. */
  readonly note: (text: string) => Effect.Effect<void>
  /** Whether a person watches standard error. */
  readonly isWatched: boolean
}

/** The output of this process, unless another is provided. */
export const Output: Context.Reference<Output> = Context.Reference("codefactory/cli/Output", {
  defaultValue: () => ofProcess()
})

const ofProcess = (): Output => {
  // The callback of a write reports the error; without a listener it would end the process as well.
  process.stdout.on("error", () => {})
  process.stderr.on("error", () => {})
  return {
    print: (line) =>
      Effect.callback<void, OutputClosed>((resume) => {
        process.stdout.write(`${line}\n`, (cause) => {
          resume(cause == null ? Effect.void : Effect.fail(new OutputClosed({ cause })))
        })
      }),
    note: (text) =>
      Effect.sync(() => {
        process.stderr.write(text)
      }),
    isWatched: process.stderr.isTTY === true
  }
}

/** Writes a line to standard output. */
export const print = (line: string): Effect.Effect<void, OutputClosed> =>
  Effect.flatMap(Output, (output) => output.print(line))

/** Writes a line to standard error. */
export const note = (line: string): Effect.Effect<void> =>
  Effect.flatMap(Output, (output) => output.note(`${line}\n`))
