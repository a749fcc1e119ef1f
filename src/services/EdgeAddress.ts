/**
 * Where the HTTP edge listens, known once it does: a configured port 0 means any free one.
 */
import { Context, Schema } from "effect"

/** The edge cannot listen. Remedy: free the port or set another one (`PORT`, `METRICS_PORT`). */
export class EdgeUnbound extends Schema.TaggedError<EdgeUnbound>()("EdgeUnbound", {
  host: Schema.String,
  port: Schema.Int,
  /** The system's code, such as `EADDRINUSE` or `EACCES`. */
  code: Schema.String
}) {}

/** The bound addresses. The URLs have no slash at the end. */
export class EdgeAddress extends Context.Service<EdgeAddress, {
  readonly host: string
  readonly port: number
  readonly url: string
  readonly metricsPort: number
  readonly metricsUrl: string
}>()("codefactory/services/EdgeAddress") {}
