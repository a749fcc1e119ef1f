/**
 * Tags and words of errors of foreign code, which may throw when they are read.
 */
import * as Result from "effect/Result"

/** What `read` says of an error, or that it cannot be read. */
export const wordsOf = (read: () => string): string =>
  Result.getOrElse(Result.try(read), () => "an error that cannot be shown: reading it throws")

/** Longest error text kept with a dead letter, in characters. */
export const errorLengthMax = 4_096

/**
 * The tag of what a handler failed with, threw or rejected with: its `_tag`, or else its `name`
 * (`TypeError`), or `undefined`. Reading it may run code of the error, which may throw.
 */
export const tagOf = (error: unknown): string | undefined =>
  Result.getOrUndefined(Result.try(() => textIn(error, "_tag") ?? textIn(error, "name")))

const textIn = (error: unknown, field: "_tag" | "name"): string | undefined => {
  if (typeof error !== "object" || error === null || !(field in error)) return undefined
  const text: unknown = Reflect.get(error, field)
  return typeof text === "string" && text !== "" ? text : undefined
}
