/**
 * An executor that loads and runs what a test says, for modules that need not exist.
 */
import { Effect, Layer, type Scope } from "effect"
import { AgentUnloadable } from "../../../src/services/Agent.ts"
import {
  type AgentModule,
  Executor,
  type LoadedHandler,
  type LoadOptions,
  nothingRun
} from "../../../src/services/Executor.ts"
import type { Delivery } from "../../../src/services/MessageBus.ts"

/** What a module does when it is loaded: fail, wait, or give its handlers. */
export type Loads = (
  module: AgentModule,
  options: LoadOptions
) => Effect.Effect<ReadonlyArray<Partial<LoadedHandler>>, AgentUnloadable>

/** What a handler does with a message. */
export type Runs = (handler: LoadedHandler, delivery: Delivery) => Effect.Effect<void>

/** What happened, in order, such as `load a` and `unload a`. */
export interface Faked {
  readonly events: Array<string>
  readonly layer: Layer.Layer<Executor>
}

/** A module gives one handler of `orders.*` under its own name unless `loads` says otherwise. */
export const fakeExecutor = (
  loads: Loads = () => Effect.succeed([{}]),
  runs: Runs = () => Effect.void
): Faked => {
  const events: Array<string> = []
  const tell = (event: string) => Effect.sync(() => events.push(event))
  const counts = { id: 0 }
  const load = (
    module: AgentModule,
    options: LoadOptions
  ): Effect.Effect<ReadonlyArray<LoadedHandler>, AgentUnloadable, Scope.Scope> =>
    Effect.gen(function*() {
      yield* tell(`load ${module.name}`)
      const handlers = yield* loads(module, options)
      yield* Effect.acquireRelease(
        tell(`loaded ${module.name}`),
        () => tell(`unload ${module.name}`)
      )
      return handlers.map((handler) => ({
        id: ++counts.id,
        exported: "default",
        subscription: module.name,
        topic: "orders.*",
        options: {},
        ...handler
      }))
    })
  const layer = Layer.succeed(Executor, {
    load,
    run: runs,
    snapshot: () => nothingRun
  })
  return { events, layer }
}

/** The failure of a module. */
export const unloadable = (agent: string, reason: string) =>
  Effect.fail(new AgentUnloadable({ agent, reason }))
