/**
 * Agents beside a bus, and what runs their handlers.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Agents } from "../services/Agents.ts"
import type { Executor } from "../services/Executor.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { Sessions } from "../services/Sessions.ts"
import type { AgentsOptions } from "./agents/DirectoryAgents.ts"
import * as NoAgents from "./agents/NoAgents.ts"
import * as Embedding from "./embed/Embedding.ts"

/**
 * A bus with agents, whose executor stands beneath it, because handlers run until it has drained.
 * Their code is imported here and not above: a bus without agents starts without it.
 */
export const withAgents = <E, R>(
  bus: Layer.Layer<MessageBus, E, R>,
  options: AgentsOptions | undefined,
  threads: number
): Layer.Layer<Agents | MessageBus, E, R | Sessions> =>
  options === undefined ? Layer.merge(NoAgents.layer, bus) : Layer.unwrap(
    Effect.map(
      Effect.all([Effect.promise(() => import("./agents/DirectoryAgents.ts")), executor(threads)]),
      ([DirectoryAgents, executor]) =>
        DirectoryAgents.layer(options).pipe(
          Layer.provide(Embedding.layer),
          Layer.provideMerge(bus),
          Layer.provideMerge(executor) // Its metrics are shown by the edge.
        )
    )
  )

/** What runs the handlers of agents: so many threads, or with 0 this one. */
const executor = (threads: number): Effect.Effect<Layer.Layer<Executor>> =>
  threads === 0
    ? Effect.map(Effect.promise(() => import("./executor/InThread.ts")), ({ layer }) => layer)
    : Effect.map(
      Effect.promise(() => import("./executor/WorkerThreads.ts")),
      ({ layer }) => layer({ threads })
    )
