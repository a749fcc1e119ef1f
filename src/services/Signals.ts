/**
 * Signals: what a pod says to all others at this moment. Whoever does not listen then, or cannot be
 * reached, never hears it; so a signal is a hint, or carries what may be lost.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** A signal of another pod. */
export interface Signal {
  /** The process that said it; not the name of its pod, which a successor may have. */
  readonly origin: string
  readonly text: string
}

/** Who listens. What it does is done at once, and must not throw. */
export interface SignalListener {
  readonly said: (signal: Signal) => void
  /** So many signals were said by an origin since the last one heard, and are lost. */
  readonly missed: (count: number, origin: string) => void
}

/** The signals of a pod. */
export class Signals extends Context.Service<Signals, {
  /**
   * Says it to all who listen to the topic elsewhere, never to this process. `false`: it could not
   * be said now, and was dropped; whoever listens learns that something is missing.
   */
  readonly send: (topic: string, text: string) => Effect.Effect<boolean>
  /** Hears what others say, in the order of each origin, until the scope closes. */
  readonly listen: (
    topic: string,
    listener: SignalListener
  ) => Effect.Effect<void, never, Scope.Scope>
}>()("codefactory/services/Signals") {}
