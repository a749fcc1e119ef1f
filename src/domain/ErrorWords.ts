/**
 * Words for errors of foreign code, which may throw when they are read.
 */
import * as Result from "effect/Result"

/** What `read` says of an error, or that it cannot be read. */
export const wordsOf = (read: () => string): string =>
  Result.getOrElse(Result.try(read), () => "an error that cannot be shown: reading it throws")
