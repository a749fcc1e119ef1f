/**
 * What went wrong, of all that PostgreSQL and the way to it can say.
 */
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"

/**
 * A call to the database failed.
 *
 * `Unsent`: it cannot be reached, and the statement was not sent. `Unknown`: the connection ended,
 * or nothing came back in time, so that the statement may have been carried out. `Busy`: the server
 * asks to repeat it (deadlock, serialization, a lock or its time limit). `Full`, `ReadOnly`: it has
 * no room, or is a standby. `Refused`: anything else it says about the statement. But for `Unknown`
 * nothing was changed.
 */
export class DatabaseFailed extends Schema.TaggedError<DatabaseFailed>()("DatabaseFailed", {
  reason: Schema.Literals(["Unsent", "Unknown", "Busy", "Full", "ReadOnly", "Refused"]),
  /** The name of the statement. */
  statement: Schema.String,
  /** SQLSTATE, where the server said one. */
  code: Schema.optionalKey(Schema.String),
  detail: Schema.String
}) {
  override get message(): string {
    const code = this.code === undefined ? "" : ` (SQLSTATE ${this.code})`
    return `${this.statement}: ${this.detail}${code}`
  }

  /** Whether another try may help: never after what the server says about the statement itself. */
  get isRetryable(): boolean {
    return this.reason !== "Refused" && this.reason !== "ReadOnly" && this.reason !== "Full"
  }
}

/** By SQLSTATE or its class. Source: PostgreSQL manual, appendix A. */
const byCode: ReadonlyArray<readonly [RegExp, DatabaseFailed["reason"]]> = [
  [/^(53100|53200)$/, "Full"], // disk_full, out_of_memory
  [/^53/, "Unsent"], // too_many_connections and their kin, before anything ran
  [/^25006$/, "ReadOnly"],
  [/^57P03$/, "Unsent"], // cannot_connect_now
  [/^(08|57P0)/, "Unknown"], // the connection, or the server, ends
  [/^(40|55P03|57014)/, "Busy"]
]

/** The failure of a statement that a connection was there for. */
export const failureOf = (statement: string, error: SqlError): DatabaseFailed => {
  const { cause, message } = error.reason
  const code = codeOf(cause)
  const detail = cause instanceof Error ? cause.message : message
  const known = code === undefined ? undefined : byCode.find(([codes]) => codes.test(code))
  const reason = known?.[1] ??
    (error.reason._tag === "ConnectionError" ? "Unknown" : "Refused")
  return new DatabaseFailed({ reason, statement, detail, ...(code === undefined ? {} : { code }) })
}

/** The failure to get a connection: whatever it says, nothing was sent. */
export const unsent = (statement: string, error: SqlError): DatabaseFailed => {
  const { code, detail } = failureOf(statement, error)
  return new DatabaseFailed({
    reason: "Unsent",
    statement,
    detail,
    ...(code === undefined ? {} : { code })
  })
}

const codeOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause &&
    typeof cause.code === "string" && /^[0-9A-Z]{5}$/.test(cause.code)
    ? cause.code
    : undefined

/** What a server says about a statement shows that it is there. */
export const isOutage = ({ reason }: DatabaseFailed): boolean =>
  reason === "Unsent" || reason === "Unknown"
