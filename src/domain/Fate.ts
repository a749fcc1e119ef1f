/**
 * Fates: what a subscription wants done about a failure, by the tag of the error.
 */
import * as Schema from "effect/Schema"

/**
 * `retry` follows the retry policy, also for a permanent failure; the others act at the first
 * failure: `park` keeps the delivery aside until somebody releases it, `deadLetter` gives it up at
 * once, `drop` ends it without a trace but in the counters. Source: design, P2.
 */
export const Fate = Schema.Literals(["retry", "park", "deadLetter", "drop"])
/** A checked fate. */
export type Fate = typeof Fate.Type

/** Fates by error tag. */
export const Fates = Schema.Record(Schema.String, Fate)
/** Checked fates. */
export type Fates = typeof Fates.Type

/** Every failure is treated as the retry policy says. */
export const noFates: Fates = {}

/** The fate of a failure, if one was chosen; a tag is a caller's text, such as `constructor`. */
export const fateOf = (fates: Fates, tag: string | undefined): Fate | undefined =>
  tag !== undefined && Object.hasOwn(fates, tag) ? fates[tag] : undefined
