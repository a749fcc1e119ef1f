/**
 * The profile of a bus inside another program: which layers keep the promises there.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { shardPolicy } from "../domain/ShardScaling.ts"
import { workerPolicy } from "../domain/WorkerScaling.ts"
import { Agents } from "../services/Agents.ts"
import { type CodeFactory, OptionsInvalid } from "../services/CodeFactory.ts"
import { EmbeddedOptions } from "../services/EmbeddedOptions.ts"
import type { Leases } from "../services/Leases.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { LogUnopened } from "../services/MessageLog.ts"
import type { RedisUnopened } from "../services/RedisUnopened.ts"
import type { Sessions } from "../services/Sessions.ts"
import type { AgentsOptions } from "./agents/DirectoryAgents.ts"
import * as Bus from "./bus/Bus.ts"
import * as SlewedClock from "./drivers/clock/SlewedClock.ts"
import * as Embedding from "./embed/Embedding.ts"
import { embeddedLeases } from "./leases/Granting.ts"
import * as Storage from "./log/Storage.ts"
import { withAgents } from "./ProfileAgents.ts"
import { deduplicated, type RedisLayer, redisLayer } from "./ProfileRedis.ts"
import * as LocalSessions from "./sessions/LocalSessions.ts"

/** What a program that embeds the bus gets. */
export type Embedded = Agents | CodeFactory | Leases | MessageBus | Sessions

/** The bus inside another program. */
export const embedded = (
  options: EmbeddedOptions = {}
): Layer.Layer<Embedded, LogUnopened | OptionsInvalid | RedisUnopened> =>
  Layer.unwrap(Effect.map(checked(options), embeddedOf))

const checked = (options: EmbeddedOptions): Effect.Effect<EmbeddedOptions, OptionsInvalid> =>
  Effect.mapError(
    Effect.tap(
      Schema.decodeUnknownEffect(EmbeddedOptions)(options, {
        errors: "all",
        onExcessProperty: "error"
      }),
      ({ agentsDir }) => agentsDir === undefined ? Effect.void : readable(agentsDir)
    ),
    ({ message }) => new OptionsInvalid({ reason: message })
  )

/** The code of agents is imported when there are agents: a bus without them starts without it. */
const readable = (directory: string) =>
  Effect.flatMap(
    Effect.promise(() => import("./agents/Discovery.ts")),
    ({ discover }) => discover(directory)
  )

const embeddedOf = (
  options: EmbeddedOptions
): Layer.Layer<Embedded, LogUnopened | RedisUnopened> => {
  const { backlogBytesMax, limits, retention } = Bus.optionsDefault
  const redis = redisOf(options) // One, which all parts share.
  const contentHash = options.contentHash ?? false
  const alone = Bus.layer({
    ...Bus.optionsDefault,
    shardCount: options.shardCount ?? Bus.optionsDefault.shardCount,
    workersPerShard: options.workersPerShard ?? Bus.optionsDefault.workersPerShard,
    watermarks: options.watermarks ?? Bus.optionsDefault.watermarks,
    limits: { ...limits, slotsMax: options.shardMessagesMax ?? limits.slotsMax },
    backlogBytesMax: options.logBytesMax ?? backlogBytesMax,
    retention: {
      ...retention,
      ageMs: options.retentionMs ?? retention.ageMs,
      bytesMax: options.retentionBytesMax ?? retention.bytesMax
    },
    contentHash
  }).pipe(Layer.provide(Storage.log(Storage.embeddedStorage(options))))
  const bus = redis === undefined || sharesLog(options)
    ? alone
    : deduplicated(alone, redis, contentHash)
  return Layer.effectDiscard(Effect.flatMap(Agents, ({ load }) => load)).pipe(
    Layer.merge(options.autoScale === true ? scaled(options) : Layer.empty),
    Layer.provideMerge(Embedding.layer),
    Layer.provideMerge(withAgents(bus, embeddedAgents(options), options.executorThreads ?? 0)),
    Layer.provideMerge(redis === undefined ? local(options) : shared(redis)),
    Layer.provide(SlewedClock.layer)
  )
}

/** Grows with the load, and comes back to what was configured. */
const scaled = (options: EmbeddedOptions): Layer.Layer<never, never, MessageBus> =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./control/Controlled.ts")),
      ({ scaled }) =>
        scaled({
          shards: {
            ...shardPolicy,
            shardsMin: options.shardCount ?? Bus.optionsDefault.shardCount
          },
          workers: {
            ...workerPolicy,
            workersMin: options.workersPerShard ?? Bus.optionsDefault.workersPerShard
          }
        })
    )
  )

/** Processes that share a database share its keys, too. */
const sharesLog = ({ databaseUrl, profile }: EmbeddedOptions): boolean =>
  databaseUrl !== undefined && profile !== "memory"

const local = (options: EmbeddedOptions): Layer.Layer<Leases | Sessions> =>
  Layer.merge(embeddedLeases(options), LocalSessions.layer())

const shared = (redis: RedisLayer): Layer.Layer<Leases | Sessions, RedisUnopened> =>
  Layer.unwrap(
    Effect.map(
      Effect.all([
        Effect.promise(() => import("./leases/RedisLeases.ts")),
        Effect.promise(() => import("./sessions/RedisSessions.ts"))
      ]),
      ([RedisLeases, RedisSessions]) =>
        Layer.provide(Layer.merge(RedisLeases.layer, RedisSessions.layer), redis)
    )
  )

const redisOf = (
  { redisPrefix = "codefactory:", redisUrl }: EmbeddedOptions
): RedisLayer | undefined =>
  redisUrl === undefined
    ? undefined
    : redisLayer({ url: Redacted.make(redisUrl), prefix: redisPrefix })

const embeddedAgents = ({ agentsDir }: EmbeddedOptions): AgentsOptions | undefined =>
  agentsDir === undefined ? undefined : {
    directory: agentsDir,
    isParallel: true,
    isHeavyLazy: true,
    isCheckSkipped: false,
    timeout: startupTimeoutDefault,
    isWatched: false
  }

/** How long agents may take to load. Source: guide, "startupTimeout". */
const startupTimeoutDefault = Duration.seconds(90)
