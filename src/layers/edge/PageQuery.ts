/**
 * The query of a page: how many at most, and behind which one.
 */
import * as Schema from "effect/Schema"

/** A whole number as text, of at most 15 digits: all of them are exact as numbers. */
export const digits = Schema.String.check(
  Schema.isPattern(/^\d{1,15}$/, { message: "expected a whole number" })
)

/** `limit` from 1 to `limitMax`, and `after`; both may be absent. */
export const pageFields = (limitMax: number) => ({
  limit: Schema.optionalKey(digits.check(
    Schema.makeFilter((text: string) =>
      Number(text) >= 1 && Number(text) <= limitMax
        ? undefined
        : `expected a whole number from 1 to ${limitMax}`
    )
  )),
  after: Schema.optionalKey(digits)
})
