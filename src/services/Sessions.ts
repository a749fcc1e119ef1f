/**
 * Sessions: what a program remembers of a client or a conversation, for a time, at any pod.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Session, SessionName } from "../domain/Session.ts"

/** Somebody else has written it. Remedy: read it again, and decide anew. */
export class SessionConflict extends Schema.TaggedError<SessionConflict>()("SessionConflict", {
  name: Schema.String,
  /** The version that is there; 0 for none. */
  version: Schema.Number
}) {
  override get message(): string {
    return this.version === 0
      ? `the session ${this.name} has ended`
      : `the session ${this.name} was written meanwhile; its version is ${this.version}`
  }
}

/** A name, a time or a value that no session can have. Remedy: see `reason`. */
export class SessionInvalid extends Schema.TaggedError<SessionInvalid>()("SessionInvalid", {
  field: Schema.Literals(["name", "ttlMs", "value", "version"]),
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.field}: ${this.reason}`
  }
}

/** As many sessions are kept as may be. Remedy: try again once some have ended. */
export class SessionLimit extends Schema.TaggedError<SessionLimit>()("SessionLimit", {
  limit: Schema.Int
}) {
  override get message(): string {
    return `${this.limit} sessions are kept already`
  }
}

/** Sessions cannot be read or written now. Remedy: see `detail`, then try again. */
export class SessionsUnavailable extends Schema.TaggedError<SessionsUnavailable>()(
  "SessionsUnavailable",
  { detail: Schema.String }
) {
  override get message(): string {
    return `sessions cannot be had now: ${this.detail}`
  }
}

/** Most sessions that one process keeps by itself. */
export const sessionsMax = 100_000

/** What is written. */
export interface SessionWrite {
  readonly name: SessionName
  /** JSON text. */
  readonly value: string
  /** Milliseconds from now on. */
  readonly ttlMs: number
  /** The version that must be there, 0 for none; without it, whatever is there is replaced. */
  readonly version?: number | undefined
}

/** The sessions. */
export class Sessions extends Context.Service<Sessions, {
  /** Who sees them: this process, or all that share a Redis. */
  readonly scope: "process" | "cluster"
  readonly read: (
    name: SessionName
  ) => Effect.Effect<Option.Option<Session>, SessionsUnavailable>
  readonly write: (
    write: SessionWrite
  ) => Effect.Effect<
    Session,
    SessionConflict | SessionInvalid | SessionLimit | SessionsUnavailable
  >
  /** Ends it; whether there was one. */
  readonly remove: (
    name: SessionName,
    version?: number
  ) => Effect.Effect<boolean, SessionConflict | SessionsUnavailable>
}>()("codefactory/services/Sessions") {}
