/**
 * Rate limits of clients: how many publish requests each may send per window.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** One request counted, or refused. */
export interface Taken {
  readonly allowed: boolean
  /** Requests per window that this client has. */
  readonly limit: number
  /** Requests it may still send now. */
  readonly remaining: number
  /** Milliseconds until it has at least one more; for a refused one, until it may try again. */
  readonly resetMs: number
}

/** What the limiter holds and did since the process started. */
export interface RateCounts {
  readonly clients: number
  readonly refused: number
  /** Clients forgotten within their window, because more came than are kept. */
  readonly evicted: number
}

/** Most clients that are told apart. Source: design, section 9, "Limits beside those above". */
export const clientsMax = 100_000

/**
 * The limits. In any stretch of a window, less one sixtieth, no client is let in more often than
 * its limit. A client idle for a window costs nothing; when `clientsMax` are active, the one idle
 * for longest is forgotten and starts anew.
 */
export class RateLimits extends Context.Service<RateLimits, {
  /** Seconds of a window. */
  readonly windowSeconds: number
  /** Requests per window of a client without a limit of its own; 0 is no limit. */
  readonly limit: number
  /** Counts one request of `client`, whose own `limit` may be another; 0 lets all in, uncounted. */
  readonly take: (client: string, limit?: number) => Effect.Effect<Taken>
  /** `take` without an effect, where the limits are in this process; it runs for each publish. */
  readonly takeNow: ((client: string, limit?: number) => Taken) | undefined
  readonly counts: () => RateCounts
}>()("codefactory/services/RateLimits") {}
