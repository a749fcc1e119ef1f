/**
 * The executor: what runs the handlers of agents. In this thread, or in threads of their own, where
 * neither a busy handler nor one that never returns holds up anything else.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { AgentOptions, AgentUnloadable } from "./Agent.ts"
import type { Accepted, Delivery, PublishError } from "./MessageBus.ts"
import type { SessionValues } from "./SessionValues.ts"

/** A module to load. `url` is absolute; `version` tells a changed file from its former self. */
export interface AgentModule {
  /** The name of the module's file without extension; it begins the names of subscriptions. */
  readonly name: string
  readonly url: string
  readonly version: number
}

/** What loading a module found: one handler, by what the bus must know of it. */
export interface LoadedHandler {
  /** The executor's own number for it, good until the scope of its loading closes. */
  readonly id: number
  /** The export it came from. */
  readonly exported: string
  readonly subscription: string
  readonly topic: string
  /** As plain data, so that it can come from another thread; durations are milliseconds. */
  readonly options: Omit<AgentOptions, "heavy" | "name">
}

/** When a module's checks and heavy parts run. */
export interface LoadOptions {
  /** Make what handlers declare as heavy at their first message instead of now. */
  readonly isHeavyLazy: boolean
  /** Believe the module: do not run its exported `check`. */
  readonly isCheckSkipped: boolean
}

/** How running handlers publish: values, checked and encoded as anywhere. */
export type PublishValue = (
  topic: string,
  payload: unknown,
  options: unknown
) => Effect.Effect<Accepted, PublishError>

/** What running handlers ask of the bus. */
export interface HandlerCalls {
  readonly publish: PublishValue
  readonly sessions: SessionValues
}

/**
 * A handler failed somewhere else. `tag`, `error` and `isPermanent` are what the bus decides by, as
 * they were where it ran.
 */
export class HandlerFailed extends Schema.TaggedError<HandlerFailed>()("HandlerFailed", {
  tag: Schema.UndefinedOr(Schema.String),
  error: Schema.String,
  isPermanent: Schema.Boolean
}) {}

/** The handler did not begin, so no attempt was made: its thread ended before. */
export class HandlerNotBegun extends Schema.TaggedError<HandlerNotBegun>()("HandlerNotBegun", {}) {}

/** What the executor does and has done. */
export interface ExecutorSnapshot {
  /** 0: handlers run in this thread. */
  readonly threads: number
  /** Deliveries that the threads may hold at most; more wait. 0 is no limit of its own. */
  readonly credits: number
  /** Deliveries handed over whose outcome is not known yet, and those that wait for a thread. */
  readonly running: number
  readonly waiting: number
  /** Heap of the threads, as they last told. */
  readonly heapBytes: number
  /** Deliveries that run alone because their thread ended under them, and how many may be known. */
  readonly suspects: number
  readonly suspectsMax: number
  /** Threads that ended: as planned, because a handler did not let go, or by themselves. */
  readonly recycled: number
  readonly terminated: number
  readonly crashed: number
  /** Deliveries whose thread ended under them. */
  readonly lost: number
}

/** An executor that runs nothing. */
export const nothingRun: ExecutorSnapshot = {
  threads: 0,
  credits: 0,
  running: 0,
  waiting: 0,
  heapBytes: 0,
  suspects: 0,
  suspectsMax: 0,
  recycled: 0,
  terminated: 0,
  crashed: 0,
  lost: 0
}

/** Runs the handlers of agents. */
export class Executor extends Context.Service<Executor, {
  /** Loads a module everywhere; its handlers can run until the scope closes. */
  readonly load: (
    module: AgentModule,
    options: LoadOptions
  ) => Effect.Effect<ReadonlyArray<LoadedHandler>, AgentUnloadable, Scope.Scope>
  /**
   * Runs a handler. Interrupting it interrupts the handler, and waits until it has let go or its
   * thread was ended: the same key never runs twice at a time.
   */
  readonly run: (
    handler: LoadedHandler,
    delivery: Delivery,
    calls: HandlerCalls
  ) => Effect.Effect<void, HandlerFailed | HandlerNotBegun>
  readonly snapshot: () => ExecutorSnapshot
}>()("codefactory/services/Executor") {}
