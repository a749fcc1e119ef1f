/**
 * Words of answers: what a client sent is shown in part only, as it may be long or hostile.
 */

/** Longest piece of a request that an answer repeats, in characters. */
export const quotedMax = 100

/** A piece of a request in quotes, cut, with what does not print escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > quotedMax ? `${text.slice(0, quotedMax)}...` : text)

/** Whole seconds for `Retry-After`: rounded up, at least 1. */
export const seconds = (millis: number): number => Math.max(1, Math.ceil(millis / 1_000))
