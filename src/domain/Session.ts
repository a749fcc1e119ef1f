/**
 * Sessions: small values under a name for a time, written only by who knows the last version.
 */
import * as Schema from "effect/Schema"

/** What a session is called: letters, digits and `. _ : - /`. */
export const SessionName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9._:/-]{1,200}$/, {
    message: "expected 1 to 200 letters, digits or . _ : - /"
  })
).pipe(Schema.brand("SessionName"))
/** A checked name. */
export type SessionName = typeof SessionName.Type

/** How long a session lasts after it was written: 1 s to 30 days, in milliseconds. */
export const sessionMsRange = { minimum: 1_000, maximum: 30 * 86_400_000 } as const

/** Milliseconds that a session lasts. */
export const SessionMs = Schema.Int.check(Schema.isBetween(sessionMsRange))

/** Most bytes of a value, as JSON in UTF-8: what fits a reply of one packet or a few. */
export const sessionBytesMax = 65_536

/** A value as it was written last. */
export interface Session {
  /** JSON text. */
  readonly value: string
  /** Greater than that of every writing of this name before, also when it had ended meanwhile. */
  readonly version: number
  /** Unix milliseconds, by the clock of whoever keeps it. */
  readonly expiresAt: number
}

/** The next version: above the last one, and above what a session before can have had. */
export const nextVersion = (last: number, nowMs: number): number =>
  Math.max(last + 1, Math.floor(nowMs * 1_000))
