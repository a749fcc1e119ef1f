/**
 * The wrapped driver: an ioredis client for any kind of address.
 *
 * Commands are sent or refused at once, never kept for later: whoever asks decides whether to ask
 * again. Their limits are in `Calls.ts`.
 */
import { Cluster, Redis } from "ioredis"
import type { Address } from "./Address.ts"

/** A connection, or those to the nodes of a cluster. */
export type Client = Redis | Cluster

/** Limits of every call, in milliseconds. */
export const callLimits = {
  /** To the answer of a command. Publishing that needs Redis answers in 2 s. Source: faults, F2. */
  commandMs: 1_000,
  connectMs: 2_000,
  /** Silence after a command, until the connection is given up and made anew. */
  silenceMs: 3_000,
  /** Longest time between two tries to connect. */
  reconnectMs: 1_000,
  keepAliveMs: 10_000
} as const

/** What a connection is for: commands, or what is said on channels. */
export type Purpose = "commands" | "channels"

const patience = (times: number): number => Math.min(callLimits.reconnectMs, times * 100)

/** A client that does not connect before it is told to. */
export const make = (address: Address, purpose: Purpose): Client => {
  const [node] = address.nodes
  const common = commonOptions(address, purpose)
  if (address.mode === "cluster") {
    return new Cluster([...address.nodes], {
      lazyConnect: true,
      enableAutoPipelining: purpose === "commands",
      enableOfflineQueue: purpose === "channels",
      slotsRefreshTimeout: callLimits.connectMs,
      slotsRefreshInterval: 10_000,
      clusterRetryStrategy: patience,
      redisOptions: common
    })
  }
  if (address.mode === "sentinel") {
    return new Redis({
      ...common,
      ...queueing(purpose),
      sentinels: [...address.nodes],
      name: address.primary ?? "",
      db: address.database,
      failoverDetector: purpose === "commands",
      sentinelRetryStrategy: patience,
      sentinelCommandTimeout: callLimits.commandMs,
      enableTLSForSentinelMode: address.isTls,
      ...address.isTls ? { sentinelTLS: {} } : {}
    })
  }
  return new Redis({ ...common, ...queueing(purpose), ...node, db: address.database })
}

/** Who listens is subscribed again when it is connected again; commands do not wait for that. */
const queueing = (purpose: Purpose) => ({
  enableOfflineQueue: purpose === "channels",
  retryStrategy: patience
})

const commonOptions = ({ isTls, password, username }: Address, purpose: Purpose) => ({
  protocol: 2 as const, // Replies as they have always been.
  lazyConnect: true,
  connectionName: `codefactory-${purpose}`,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: true,
  maxRetriesPerRequest: purpose === "commands" ? 0 : null,
  connectTimeout: callLimits.connectMs,
  keepAlive: callLimits.keepAliveMs,
  reconnectOnError: ({ message }: Error) => message.startsWith("READONLY"),
  ...username === undefined ? {} : { username },
  ...password === undefined ? {} : { password },
  ...isTls ? { tls: {} } : {}
})
