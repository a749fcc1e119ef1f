/**
 * The agents of this process: which modules are loaded, and which could not be.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** Most agents of one process: each is code that somebody wrote, so this is far beyond use. */
export const agentsMax = 256

/** A module that serves. */
export interface AgentServing {
  /** The name of its file. */
  readonly agent: string
  /** The subscriptions that its handlers serve. */
  readonly subscriptions: ReadonlyArray<string>
}

/** A module that does not. */
export interface AgentFailed {
  readonly agent: string
  /** One line: what went wrong, and the remedy where one is known. */
  readonly reason: string
}

/** What became of the modules; every one is in exactly one of the three lists, by name. */
export interface AgentsSnapshot {
  /** Starting until each module was loaded, or given up. */
  readonly state: "Starting" | "Started"
  /** File names of those that are being loaded or wait for their turn. */
  readonly loading: ReadonlyArray<string>
  readonly loaded: ReadonlyArray<AgentServing>
  readonly failed: ReadonlyArray<AgentFailed>
}

/** The agents of this process. Its layer unloads them when its scope closes. */
export class Agents extends Context.Service<Agents, {
  /**
   * Loads them all, once, and returns when the start-up is over: each serves or has failed. It
   * never fails itself, because one bad module must not keep the others from serving.
   */
  readonly load: Effect.Effect<void>
  readonly snapshot: () => AgentsSnapshot
}>()("codefactory/services/Agents") {}
