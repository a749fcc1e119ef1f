/**
 * Attaching: the handlers of a loaded module become handlers of the bus, run by the executor.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { AgentUnloadable } from "../../services/Agent.ts"
import type { CodeFactory, HandleError, PublishOptions } from "../../services/CodeFactory.ts"
import type { Executor, LoadedHandler, PublishValue } from "../../services/Executor.ts"
import type { SessionValues } from "../../services/SessionValues.ts"
import { oneLine, whyUnattached } from "./Reasons.ts"
import type { Opened, Serving } from "./Roster.ts"

type Bus = CodeFactory["Service"]

/** What handlers are attached to, and may call. */
export interface AttachedTo {
  readonly bus: Bus
  readonly executor: Executor["Service"]
  readonly sessions: SessionValues
}

/** How often a log that is away is tried again; who attaches has a time limit. */
const logWait = "1 second"

/** Attaches all handlers of a module in a scope of their own, or none of them. */
export const attach = (
  to: AttachedTo,
  opened: Opened
): Effect.Effect<Serving, AgentUnloadable> =>
  Effect.gen(function*() {
    const attached = yield* Scope.make("parallel")
    const unloadable = (reason: string) =>
      new AgentUnloadable({ agent: opened.file.file, reason: oneLine(reason) })
    yield* Effect.forEach(
      opened.handlers,
      (handler) =>
        Effect.mapError(
          attachOne(to, handler),
          (error) => unloadable(whyUnattached(handler.subscription, error))
        ),
      { discard: true }
    ).pipe(
      // What a module exports may be anything, also what makes the checks themselves throw.
      Effect.catchDefect((defect) => Effect.fail(unloadable(Cause.pretty(Cause.die(defect))))),
      Scope.provide(attached),
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(attached, exit))
    )
    return { ...opened, attached }
  })

/** The handler is given deliveries and no payload: that is parsed where it runs. */
const attachOne = (
  { bus, executor, sessions }: AttachedTo,
  handler: LoadedHandler
): Effect.Effect<void, HandleError, Scope.Scope> =>
  Effect.suspend(() => {
    const calls = { publish: publishWith(bus), sessions }
    return bus.handleDeliveries(
      handler.subscription,
      handler.topic,
      (delivery) => executor.run(handler, delivery, calls),
      handler.options
    )
  }).pipe(
    Effect.retry({
      while: ({ _tag }) => _tag === "LogUnavailable",
      schedule: Schedule.spaced(logWait)
    })
  )

/** Publishes what a handler gave. Options of a wrong shape are refused like those of a program. */
const publishWith = (bus: Bus): PublishValue => (topic, payload, options) =>
  bus.publish(topic, payload, isOptions(options) ? options : {})

/** What is in them is checked with the draft. */
const isOptions = (options: unknown): options is PublishOptions =>
  typeof options === "object" && options !== null
