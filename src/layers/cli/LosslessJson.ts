/**
 * JSON without loss: numbers keep the digits they arrived with, such as 12345678901234567890.
 *
 * The language has what is needed (ES2026: `JSON.rawJSON` and the source text in revivers); its
 * types do not have it yet.
 */
import * as Result from "effect/Result"

declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown
    ): unknown
    rawJSON(text: string): unknown
  }
}

/** A number that JavaScript would write otherwise than it was written. */
const isLossy = (value: unknown, source: string | undefined): source is string =>
  typeof value === "number" && source !== undefined && JSON.stringify(value) !== source

/** The value of a JSON text; `JSON.stringify` gives its numbers back digit by digit. */
export const parse = (text: string): Result.Result<unknown, string> =>
  Result.try({
    try: () =>
      JSON.parse(text, (_, value, { source }) =>
        isLossy(value, source) ? JSON.rawJSON(source) : value),
    catch: (error) =>
      error instanceof Error ? error.message : "not JSON"
  })
