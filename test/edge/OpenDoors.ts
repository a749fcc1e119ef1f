/**
 * An edge that lets everybody in as often as they like, for tests of what lies behind its doors.
 */
import { Duration, Layer } from "effect"
import * as Edge from "../../src/layers/edge/Edge.ts"
import * as LocalRateLimits from "../../src/layers/limits/LocalRateLimits.ts"

/** Free ports on this machine. */
export const edgeOptions: Edge.EdgeOptions = {
  host: "127.0.0.1",
  port: 0,
  metricsPort: 0,
  version: "0.1.0",
  profile: "memory",
  proxyTrusted: false
}

/** What a test may ask of the doors. */
export interface Doors extends Partial<Edge.EdgeOptions> {
  /** Publish requests per minute; 0 is no limit. */
  readonly limit?: number
}

/** An edge behind open doors, or behind the ones asked for; it still needs a bus. */
export const openEdge = ({ limit = 0, ...options }: Doors = {}) =>
  Layer.provide(
    Edge.layer({ ...edgeOptions, ...options }),
    LocalRateLimits.layer({ limit, window: Duration.seconds(60) })
  )
