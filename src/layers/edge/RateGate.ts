/**
 * The rate gate: counts publish requests per client, before their bodies are read.
 */
import * as Effect from "effect/Effect"
import type { RateLimits, Taken } from "../../services/RateLimits.ts"
import { clientAddress } from "./ClientAddress.ts"
import { Refusal } from "./Refusal.ts"
import type { Caller, Head, Route } from "./Web.ts"

/** A request let in or not, and what its client is told about its quota either way. */
export interface Gated {
  readonly refusal: Refusal | undefined
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The count of a request; `undefined` when nobody limits it. Without an effect where the limits are
 * in this process: a fibre for each publish would cost more than the counting.
 */
export type RateGate = (
  route: Route,
  head: Head,
  caller: Caller
) => Gated | Effect.Effect<Gated> | undefined

/** The gate of a server. */
export const makeRateGate = (limits: RateLimits["Service"], proxyTrusted: boolean): RateGate => {
  const { takeNow, windowSeconds } = limits
  const gated = (client: string, taken: Taken): Gated => ({
    refusal: taken.allowed ? undefined : refusalOf(client, taken, windowSeconds),
    headers: quotaHeaders(taken, windowSeconds)
  })
  return (route, head, { grant }) => {
    const limit = grant?.maxRequests ?? limits.limit
    if (route.access !== "publish" || limit === 0) return undefined
    const client = grant === undefined
      ? `address ${clientAddress(head, proxyTrusted)}`
      : `key ${grant.id}`
    return takeNow === undefined
      ? Effect.map(limits.take(client, limit), (taken) => gated(client, taken))
      : gated(client, takeNow(client, limit))
  }
}

const refusalOf = (client: string, { limit, resetMs }: Taken, windowSeconds: number) =>
  Refusal.RateLimited({ client, limit, windowSeconds, retryAfterMs: resetMs })

/** Source: draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4. */
const quotaHeaders = ({ limit, remaining, resetMs }: Taken, windowSeconds: number) => ({
  "ratelimit-policy": `"publish";q=${limit};w=${windowSeconds}`,
  ratelimit: `"publish";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`
})
