/**
 * Why Redis did not do what it was asked, in the terms that decide what to do next.
 */
import * as Schema from "effect/Schema"

/**
 * A command failed. `Unsent`: it was not carried out. `Unknown`: nobody knows whether it was.
 * `Busy`: not now. `Full`: its memory is. `Denied`: the user may not. `Damaged`: under this key
 * stands something that this program did not write. `Refused`: the command is wrong.
 */
export class RedisFailed extends Schema.TaggedError<RedisFailed>()("RedisFailed", {
  reason: Schema.Literals(["Unsent", "Unknown", "Busy", "Full", "Denied", "Damaged", "Refused"]),
  /** The name of what was asked. */
  command: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.command}: ${this.detail}`
  }
}

/** By the first word of what the server says. Source: redis.io, "Error replies"; its source. */
const byWord: Readonly<Record<string, RedisFailed["reason"]>> = {
  OOM: "Full",
  MISCONF: "Full", // It cannot write to its disk.
  NOAUTH: "Denied",
  NOPERM: "Denied",
  WRONGPASS: "Denied",
  WRONGTYPE: "Damaged",
  LOADING: "Busy",
  BUSY: "Busy",
  TRYAGAIN: "Busy",
  CLUSTERDOWN: "Busy",
  MASTERDOWN: "Busy",
  NOREPLICAS: "Busy",
  READONLY: "Busy" // A primary that became a replica: the client looks for the new one.
}

/** What the client says when it has no connection to send a command over. */
const unsent = /Stream isn't writeable|enableOfflineQueue|ECONNREFUSED|Failed to refresh slots/

/** The failure of a command by what the client threw. */
export const failureOf = (command: string, cause: unknown): RedisFailed => {
  const detail = cause instanceof Error ? cause.message : String(cause)
  const isReply = cause instanceof Error && cause.name === "ReplyError"
  return new RedisFailed({ command, detail, reason: reasonOf(isReply, detail) })
}

/** A script's own errors come with its name around them. */
const reasonOf = (isReply: boolean, detail: string): RedisFailed["reason"] => {
  if (!isReply) return unsent.test(detail) ? "Unsent" : "Unknown"
  const words = detail.match(/\b[A-Z]{3,12}\b/g) ?? []
  const known = words.find((word) => word in byWord)
  return known === undefined ? "Refused" : byWord[known] ?? "Refused"
}

/** What a server says about a command shows that it is there. */
export const isOutage = ({ reason }: RedisFailed): boolean =>
  reason === "Unsent" || reason === "Unknown" || reason === "Busy"
