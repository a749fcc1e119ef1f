/**
 * Where the HTTP edge listens, known once it does: a configured port 0 means any free one.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"

/** It cannot be listened there. Remedy: free the port, or change `setting` or the address. */
export class EdgeUnbound extends Schema.TaggedError<EdgeUnbound>()("EdgeUnbound", {
  /** Which of the ports it is. */
  setting: Schema.Literals(["PORT", "METRICS_PORT", "POD_PORT"]),
  host: Schema.String,
  port: Schema.Int,
  /** The system's code, such as `EADDRINUSE` or `EACCES`. */
  code: Schema.String
}) {
  override get message(): string {
    const { code, host, port, setting } = this
    return `cannot listen on ${host}:${port} (${code}): ${remedyOf(code, setting)}`
  }
}

const remedyOf = (code: string, setting: string): string =>
  code === "EADDRINUSE"
    ? `another process does; stop it, or set ${setting} to another port` +
      (setting === "POD_PORT" ? "" : " (0: any free one)")
    : code === "EACCES"
    ? `this user may not; set ${setting} to a port above 1023`
    : `set ${setting === "POD_PORT" ? "POD_ADDRESS" : "HOST"} to an address of this machine, ` +
      "such as 127.0.0.1"

/** The bound addresses. The URLs have no slash at the end. */
export class EdgeAddress extends Context.Service<EdgeAddress, {
  readonly host: string
  readonly port: number
  readonly url: string
  readonly metricsPort: number
  readonly metricsUrl: string
}>()("codefactory/services/EdgeAddress") {}
