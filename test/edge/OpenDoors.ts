/**
 * An edge that lets everybody in as often as they like, for tests of what lies behind its doors.
 */
import { Duration, Layer } from "effect"
import type { ApiKey } from "../../src/domain/ApiKey.ts"
import * as NoAgents from "../../src/layers/agents/NoAgents.ts"
import * as Edge from "../../src/layers/edge/Edge.ts"
import { makeKeyRing } from "../../src/layers/keys/KeyRing.ts"
import * as NoKeys from "../../src/layers/keys/NoKeys.ts"
import * as LocalLeases from "../../src/layers/leases/LocalLeases.ts"
import * as LocalRateLimits from "../../src/layers/limits/LocalRateLimits.ts"
import { platform } from "../../src/layers/Profile.ts"
import * as LocalSessions from "../../src/layers/sessions/LocalSessions.ts"
import { Agents } from "../../src/services/Agents.ts"
import { ApiKeys } from "../../src/services/ApiKeys.ts"

/** Free ports on this machine. */
export const edgeOptions: Edge.EdgeOptions = {
  host: "127.0.0.1",
  port: 0,
  metricsPort: 0,
  version: "0.1.0",
  profile: "memory",
  ...platform,
  proxyTrusted: false
}

/** What a test may ask of the doors. */
export interface Doors extends Partial<Edge.EdgeOptions> {
  /** Publish requests per minute; 0 is no limit. */
  readonly limit?: number
  /** The keys that requests need; without any, none is needed. */
  readonly keys?: ReadonlyArray<ApiKey>
  /** Instead of these, keys that a test changes. */
  readonly keyService?: ApiKeys["Service"]
  /** Agents that a test speaks for; without, there are none. */
  readonly agents?: Agents["Service"]
}

/** An edge behind open doors, or behind the ones asked for; it still needs a bus. */
export const openEdge = ({ agents, keyService, keys, limit = 0, ...options }: Doors = {}) =>
  Edge.layer({ ...edgeOptions, ...options }).pipe(
    Layer.provide(LocalRateLimits.layer({ limit, window: Duration.seconds(60) })),
    Layer.provide(
      keyService !== undefined
        ? Layer.succeed(ApiKeys, keyService)
        : keys === undefined
        ? NoKeys.layer
        : ringOf(keys)
    ),
    Layer.provide([LocalLeases.layer(), LocalSessions.layer()]),
    Layer.provide(agents === undefined ? NoAgents.layer : Layer.succeed(Agents, agents))
  )

const ringOf = (keys: ReadonlyArray<ApiKey>) => {
  const { entryOf, size, verify } = makeKeyRing(keys)
  const counts = { keys: size, reloads: 0, reloadFailures: 0, stale: false }
  return Layer.succeed(ApiKeys, {
    required: true,
    verify,
    isCurrent: (grant) => entryOf(grant.id)?.grant === grant,
    onChange: () => undefined,
    counts: () => counts
  })
}
