/**
 * The handle: the embedded bus for programs that do not use Effect. Every call returns a promise
 * that rejects with the tagged error of the refusal.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { ContextValues } from "../../domain/ExecutionContext.ts"
import type { Message } from "../../domain/Message.ts"
import { CodeFactory, type Item } from "../../services/CodeFactory.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Leases } from "../../services/Leases.ts"
import { type Accepted, BusClosed, type PublishError } from "../../services/MessageBus.ts"
import type { Sessions } from "../../services/Sessions.ts"
import type { PromisedSessions } from "../../services/SessionValues.ts"
import { awaited, promised, withAwaited } from "./AwaitedContext.ts"
import { type Held, locked, type LockOptions } from "./Locking.ts"
import {
  type Detach,
  type PromisedCalls,
  promisedCalls,
  type PromisedPlugin,
  promisedPlugin,
  type Running
} from "./PromisedCalls.ts"
import { promisedSessions } from "./PromisedSessions.ts"

/** A result of a batch: what was accepted, or the tagged error of the refusal. */
export type ItemResult = Accepted | PublishError

/** The services that a handle runs effects with. */
export type Services = CodeFactory | Leases | Sessions

/** The bus as promises. `await using` closes it: handlers finish, the rest stays in the log. */
export interface BusHandle extends PromisedCalls, AsyncDisposable {
  /** Opens the store and starts the workers; starting twice changes nothing. */
  readonly start: () => Promise<void>
  /** Accepts each item by itself; results stand in the order of the items. */
  readonly publishMany: (items: ReadonlyArray<Item>) => Promise<ReadonlyArray<ItemResult>>
  /**
   * Runs `fn` with `values` added to the execution context: what it publishes carries them, and
   * handlers of that run with them. Throws `MessageInvalid` when they are too many or no texts.
   */
  readonly withContext: <A>(values: ContextValues, fn: () => A) => A
  /** The execution context of the running code, in a handler that of its message. */
  readonly context: () => ContextValues
  /** Runs `hook` before each publish until the returned function is called; it may change it. */
  readonly beforePublish: (
    name: string,
    hook: (item: Item) => Item | Promise<Item>
  ) => Promise<Detach>
  /** Runs `hook` for each accepted message until the returned function is called. */
  readonly afterPublish: (
    name: string,
    hook: (payload: unknown, message: Message) => unknown
  ) => Promise<Detach>
  /** The calls of plugin `name`, whose topics start with `plugin.<name>.`. */
  readonly plugin: (name: string) => Promise<PromisedPlugin>
  /**
   * Runs `use` while the lock `name` is held, and gives it back. Rejects with `LeaseHeld` when
   * another holds it for longer than `waitMs`, and with `LeaseLost` when it was lost meanwhile.
   */
  readonly withLock: <A>(
    name: string,
    use: (held: Held) => A | Promise<A>,
    options?: LockOptions
  ) => Promise<A>
  /** Values under names, for a time; over a `redisUrl` all processes that share it see them. */
  readonly sessions: PromisedSessions
  /** Everything else, as Effect services. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Services>) => Promise<A>
  /** Drains and closes; closing twice changes nothing. */
  readonly close: () => Promise<void>
}

/** A handle that has not started. `E` is why opening can fail: the promise of `start` rejects. */
export const make = <E>(layer: Layer.Layer<Services, E>): BusHandle => {
  const runtime = ManagedRuntime.make(layer)
  const life: { state: "NotStarted" | "Running" | "Closed" } = { state: "NotStarted" }

  const run = <A, E2>(effect: Effect.Effect<A, E2, Services>): Promise<A> =>
    life.state === "Running"
      ? runtime.runPromise(Effect.provideService(effect, ExecutionContext.reference, awaited()))
      : Promise.reject(new BusClosed({ state: life.state }))

  const close = (): Promise<void> => {
    life.state = "Closed"
    return runtime.dispose()
  }

  const running: Running = {
    run: (use) => run(CodeFactory.use(use)),
    attach: (something) =>
      run(CodeFactory.use((bus) => attach(something(bus)))).then((detach) => () =>
        life.state === "Running" ? runtime.runPromise(detach) : Promise.resolve()
      )
  }

  return {
    ...promisedCalls(running, (bus) => bus),
    run,
    close,
    [Symbol.asyncDispose]: close,
    start: () =>
      life.state === "Closed"
        ? Promise.reject(new BusClosed({ state: "Closed" }))
        : runtime.context().then(() => {
          if (life.state === "NotStarted") life.state = "Running"
        }),
    publishMany: (items) =>
      running.run((bus) =>
        Effect.map(
          bus.publishMany(items),
          (results) =>
            results.map((result) => Result.isSuccess(result) ? result.success : result.failure)
        )
      ),
    withContext: withAwaited,
    context: () => awaited().values,
    beforePublish: (name, hook) =>
      running.attach((bus) => bus.beforePublish(name, (item) => promised(() => hook(item)))),
    afterPublish: (name, hook) =>
      running.attach((bus) =>
        bus.afterPublish(name, (payload, message) => promised(() => hook(payload, message)))
      ),
    plugin: (name) => promisedPlugin(running, name),
    withLock: (name, use, options) => run(locked(name, use, options)),
    sessions: promisedSessions(run)
  }
}

/** Does something in a scope of its own; returns the effect that closes it. */
const attach = <E>(
  something: Effect.Effect<void, E, Scope.Scope>
): Effect.Effect<Effect.Effect<void>, E> =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    yield* Effect.onError(
      Scope.provide(something, scope),
      (cause) => Scope.close(scope, Exit.failCause(cause))
    )
    return Scope.close(scope, Exit.void)
  })
