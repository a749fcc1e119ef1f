/**
 * The profile of a bus inside another program: which layers keep the promises there.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agents } from "../services/Agents.ts"
import { type CodeFactory, OptionsInvalid } from "../services/CodeFactory.ts"
import { EmbeddedOptions } from "../services/EmbeddedOptions.ts"
import type { Leases } from "../services/Leases.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { LogUnopened } from "../services/MessageLog.ts"
import type { AgentsOptions } from "./agents/DirectoryAgents.ts"
import * as Bus from "./bus/Bus.ts"
import * as SlewedClock from "./drivers/clock/SlewedClock.ts"
import * as Embedding from "./embed/Embedding.ts"
import { embeddedLeases } from "./leases/Granting.ts"
import * as Storage from "./log/Storage.ts"
import { withAgents } from "./ProfileAgents.ts"

/** The bus inside another program. */
export const embedded = (
  options: EmbeddedOptions = {}
): Layer.Layer<Agents | CodeFactory | Leases | MessageBus, LogUnopened | OptionsInvalid> =>
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
): Layer.Layer<Agents | CodeFactory | Leases | MessageBus, LogUnopened> => {
  const { backlogBytesMax, limits, retention } = Bus.optionsDefault
  const bus = Bus.layer({
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
    contentHash: options.contentHash ?? false
  })
  return Layer.effectDiscard(Effect.flatMap(Agents, ({ load }) => load)).pipe(
    Layer.provideMerge(Embedding.layer),
    Layer.provideMerge(withAgents(bus, embeddedAgents(options), options.executorThreads ?? 0)),
    Layer.provide(Storage.log(Storage.embeddedStorage(options))),
    Layer.merge(embeddedLeases(options)),
    Layer.provide(SlewedClock.layer)
  )
}

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
