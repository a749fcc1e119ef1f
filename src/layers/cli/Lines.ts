/**
 * Lines: bytes cut into lines of text, with a limit to how long one may be.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Longest line in characters: the largest payload, headers and key, with room for escapes. */
export const lineLengthMax = 8 * 1_048_576

/** The input is not UTF-8 text, or one of its lines is too long. `line` counts from 1. */
export class InputMalformed extends Data.TaggedError("InputMalformed")<{
  readonly line: number
  readonly reason: string
}> {
  override get message(): string {
    return `line ${this.line}: ${this.reason}`
  }
}

/** One line and its number, from 1. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** The lines of a stream of bytes as they complete, blank ones left out. */
export const linesOf = <E, R>(
  bytes: Stream.Stream<Uint8Array, E, R>
): Stream.Stream<ReadonlyArray<Line>, E | InputMalformed, R> =>
  Stream.suspend(() => {
    const decoder = new TextDecoder("utf-8", { fatal: true })
    let rest = "" // Mutable: the state of one pass over one stream.
    let read = 0

    const take = (chunk: Uint8Array | undefined) =>
      Effect.try({
        try: () => {
          const text = rest + (chunk === undefined
            ? decoder.decode()
            : decoder.decode(chunk, { stream: true }))
          const texts = text.split("\n")
          rest = chunk === undefined ? "" : texts.pop() ?? ""
          const lines = texts
            .map((line, index) => ({ number: read + index + 1, text: line.trim() }))
            .filter((line) => line.text !== "")
          read += texts.length
          return lines
        },
        catch: () => new InputMalformed({ line: read + 1, reason: "the input is not UTF-8 text" })
      }).pipe(Effect.filterOrFail(
        () => rest.length <= lineLengthMax,
        () =>
          new InputMalformed({
            line: read + 1,
            reason: `longer than ${lineLengthMax} characters`
          })
      ))

    return Stream.concat(
      Stream.mapEffect(bytes, take),
      Stream.fromEffect(Effect.suspend(() => take(undefined)))
    ).pipe(Stream.filter((lines) => lines.length > 0))
  })
