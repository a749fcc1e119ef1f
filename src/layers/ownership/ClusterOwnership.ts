/**
 * Ownership by `effect/cluster`: pods find each other and share the partitions over PostgreSQL, and
 * talk to each other over TCP.
 *
 * Each partition is a shard of it, with a singleton that runs where the shard is locked. Its locks
 * are those of a session of the database, so a pod that stands still or vanishes loses them; they
 * make ownership likely to be unique, and the epoch of the log makes it harmless when it is not.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Entity from "effect/cluster/Entity"
import { EntityId } from "effect/cluster/EntityId"
import * as MessageStorage from "effect/cluster/MessageStorage"
import { RunnerAddress } from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SocketRunner from "effect/cluster/SocketRunner"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import process from "node:process"
import { isLoopback } from "../../domain/Loopback.ts"
import { partitionCount } from "../../domain/Position.ts"
import { OwnerBusy, Ownership } from "../../services/Ownership.ts"

/** How a pod is reached by others, and where they meet. */
export interface ClusterOptions {
  /** The database that all pods share; its schema must be there. */
  readonly url: Redacted.Redacted
  /** The host under which other pods reach this one: an address, not a name that several share. */
  readonly address: string
  /** Where it listens: on every interface, unless its address is that of this machine alone. */
  readonly port: number
  /** The name of this pod. */
  readonly pod: string
}

/** The name of this pod. Kubernetes gives each its HOSTNAME; elsewhere several share a machine. */
export const podNameOf = (port: number): string =>
  `${process.env["HOSTNAME"] ?? "pod"}-${process.pid}-${port}`.replaceAll(/[^\w-]/gu, "-")

/** A pod that has shown no sign of life for so long loses what it has. */
const expiry = Duration.seconds(9)

/** How long what a pod owns may take to end when the partition goes to another. */
const endTimeout = Duration.seconds(5)

/** How long leaving may take. */
const leaveTimeout = Duration.seconds(3)

/** Connections: one is kept for the locks, the rest are closed when idle. */
const connectionsMax = 3

/** Requests of one partition that are under way, and that wait. */
const requestsMax = { underWay: 32, waiting: 256 }

/** Long waits of one partition: each is one subscription for which a pod waits. */
const waitsMax = 10_000

const ask = Rpc.make("Ask", { payload: { request: Schema.Uint8Array }, success: Schema.Uint8Array })

const Partition = Entity.make("Partition", [ask])
const Waiting = Entity.make("Waiting", [ask])

const whileOwned = { maxIdleTime: Duration.days(365), disableFatalDefects: true }

/** Ownership among the pods that share a database. */
export const layer = (options: ClusterOptions): Layer.Layer<Ownership> =>
  Layer.effect(Ownership, make(options))

const make = (options: ClusterOptions) =>
  Effect.gen(function*() {
    // Of its own: who leaves does not wait for it longer than a limit.
    const scope = yield* Scope.make()
    const leave = yield* Effect.cached(leaving(scope))
    yield* Effect.addFinalizer(() => leave)
    const sharding = yield* Effect.orDie(Layer.buildWithScope(clusterOf(options), scope))
    const within = Effect.provideContext(sharding)
    const ids = yield* within(Effect.map(Sharding.Sharding, idsOf))
    const partition = yield* within(Partition.client)
    const waiting = yield* within(Waiting.client)
    return Ownership.of({
      pod: options.pod,
      join: (own, answer) =>
        within(Effect.gen(function*() {
          const handlers = {
            Ask: ({ payload: { request } }: { payload: { request: Uint8Array } }) => answer(request)
          }
          const served = Layer.merge(
            Partition.toLayer(handlers, {
              ...whileOwned,
              concurrency: requestsMax.underWay,
              mailboxCapacity: requestsMax.waiting
            }),
            Waiting.toLayer(handlers, {
              ...whileOwned,
              concurrency: "unbounded",
              mailboxCapacity: waitsMax
            })
          )
          yield* Layer.buildWithScope(served, scope)
          const { registerSingleton } = yield* Sharding.Sharding
          yield* Effect.forEach(ids, (id, at) => registerSingleton(id, own(at)), { discard: true })
        })).pipe(Scope.provide(scope)),
      leave,
      ask: (at, request, isWaiting = false) => {
        const id = ids[at]
        if (id === undefined) return Effect.die(`there is no partition ${at}`) // A bug.
        return (isWaiting ? waiting : partition)(id).Ask({ request }).pipe(
          Effect.catchTag("MailboxFull", () => Effect.fail(new OwnerBusy({ partition: at }))),
          Effect.catchTag(
            ["AlreadyProcessingMessage", "PersistenceError", "EntityNotAssignedToRunner"],
            Effect.die // Of messages that are stored, which these are not.
          )
        )
      }
    })
  })

/**
 * A pod that stood still was seen not to end its part of the cluster. What it had is given back by
 * then; its locks end with its connections, at the latest with the process.
 */
const leaving = (scope: Scope.Closeable): Effect.Effect<void> =>
  Effect.gen(function*() {
    const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void))
    const closed = yield* Effect.timeoutOption(Fiber.await(closing), leaveTimeout)
    if (Option.isNone(closed)) yield* Effect.logWarning("left the other pods without a farewell")
  })

/** For each partition, a name that is in its shard: whoever has the shard has all under it. */
const idsOf = ({ getShardId }: Sharding.Sharding["Service"]): ReadonlyArray<string> => {
  const ids = new Map<number, string>()
  for (let n = 0; ids.size < partitionCount; n++) { // Until each shard has one.
    const id = `p${n}`
    const shard = getShardId(EntityId.make(id), "default").id - 1
    if (!ids.has(shard)) ids.set(shard, id)
  }
  return Array.from({ length: partitionCount }, (_, partition) => ids.get(partition) ?? "")
}

/** Every field is set: what is not is read from the environment under names that others use. */
const configOf = ({ address, port }: ClusterOptions) => ({
  ...ShardingConfig.defaults,
  runnerAddress: Option.some(RunnerAddress.make({ host: address, port })),
  runnerListenAddress: Option.some(
    RunnerAddress.make({ host: isLoopback(address) ? address : "0.0.0.0", port })
  ),
  shardsPerGroup: partitionCount,
  shardLockExpiration: expiry,
  shardLockRefreshInterval: Duration.seconds(3),
  refreshAssignmentsInterval: Duration.seconds(1),
  runnerHealthCheckInterval: Duration.seconds(2),
  entityMessagePollInterval: Duration.seconds(1),
  runnerJoinDebounce: Duration.seconds(2),
  entityTerminationTimeout: endTimeout,
  simulateRemoteSerialization: false
})

const clusterOf = (options: ClusterOptions) => {
  const config = ShardingConfig.layer(configOf(options))
  const client = PgClient.layer({
    url: options.url,
    applicationName: "codefactory pods",
    maxConnections: connectionsMax,
    idleTimeout: Duration.seconds(60),
    keepAlive: Duration.seconds(10),
    startupParameters: { search_path: "codefactory" }
  })
  const health = RunnerHealth.layerPing.pipe(
    Layer.provide(Runners.layerRpc),
    Layer.provide(NodeClusterSocket.layerClientProtocol)
  )
  return SocketRunner.layer.pipe(
    Layer.provide([NodeClusterSocket.layerSocketServer, NodeClusterSocket.layerClientProtocol]),
    Layer.provide(health),
    Layer.provide(MessageStorage.layerNoop),
    Layer.provide(SqlRunnerStorage.layerStorage({ prefix: "bus" })),
    Layer.provide(client),
    Layer.provide(config),
    Layer.provide(RpcSerialization.layerSchemaBinary())
  )
}
