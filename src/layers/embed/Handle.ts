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
import { AsyncLocalStorage } from "node:async_hooks"
import { type Carried, type ContextValues, merge, nothing } from "../../domain/ExecutionContext.ts"
import { type Message, MessageInvalid } from "../../domain/Message.ts"
import {
  CodeFactory,
  type HandleOptions,
  type Item,
  type PublishOptions
} from "../../services/CodeFactory.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import {
  type Accepted,
  BusClosed,
  type Delivery,
  type PublishError
} from "../../services/MessageBus.ts"

/** A result of a batch: what was accepted, or the tagged error of the refusal. */
export type ItemResult = Accepted | PublishError

/**
 * The execution context of code that awaits. Node keeps it through `await`, timers and callbacks,
 * which no value handed on could follow; so `withContext` ends with its function here, too.
 */
const contexts = new AsyncLocalStorage<Carried>()

/** The bus as promises. `await using` closes it: handlers finish, the rest stays in the log. */
export interface BusHandle extends AsyncDisposable {
  /** Opens the store and starts the workers; starting twice changes nothing. */
  readonly start: () => Promise<void>
  readonly publish: (
    topic: string,
    payload: unknown,
    options?: PublishOptions
  ) => Promise<Accepted>
  /** Accepts each item by itself; results stand in the order of the items. */
  readonly publishMany: (items: ReadonlyArray<Item>) => Promise<ReadonlyArray<ItemResult>>
  /** Runs `handler` for a durable subscription until the returned function is called. */
  readonly handle: (
    name: string,
    topic: string,
    handler: (payload: unknown, delivery: Delivery) => unknown,
    options?: HandleOptions
  ) => Promise<() => Promise<void>>
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
  ) => Promise<() => Promise<void>>
  /** Runs `hook` for each accepted message until the returned function is called. */
  readonly afterPublish: (
    name: string,
    hook: (payload: unknown, message: Message) => unknown
  ) => Promise<() => Promise<void>>
  /** Everything else, as an Effect service. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, CodeFactory>) => Promise<A>
  /** Drains and closes; closing twice changes nothing. */
  readonly close: () => Promise<void>
}

/** A handle that has not started. `E` is why opening can fail: the promise of `start` rejects. */
export const make = <E>(layer: Layer.Layer<CodeFactory, E>): BusHandle => {
  const runtime = ManagedRuntime.make(layer)
  const life: { state: "NotStarted" | "Running" | "Closed" } = { state: "NotStarted" }

  const run = <A, E2>(effect: Effect.Effect<A, E2, CodeFactory>): Promise<A> =>
    life.state === "Running"
      ? runtime.runPromise(
        Effect.provideService(effect, ExecutionContext.reference, contexts.getStore() ?? nothing)
      )
      : Promise.reject(new BusClosed({ state: life.state }))

  const close = (): Promise<void> => {
    life.state = "Closed"
    return runtime.dispose()
  }

  const attached = <E2>(
    something: (bus: CodeFactory["Service"]) => Effect.Effect<void, E2, Scope.Scope>
  ): Promise<() => Promise<void>> =>
    run(attach(something)).then(
      (detach) => () => life.state === "Running" ? runtime.runPromise(detach) : Promise.resolve()
    )

  return {
    run,
    close,
    [Symbol.asyncDispose]: close,
    start: () =>
      life.state === "Closed"
        ? Promise.reject(new BusClosed({ state: "Closed" }))
        : runtime.context().then(() => {
          if (life.state === "NotStarted") life.state = "Running"
        }),
    publish: (topic, payload, options) =>
      run(CodeFactory.use((bus) => bus.publish(topic, payload, options))),
    publishMany: (items) =>
      run(
        Effect.map(
          CodeFactory.use((bus) => bus.publishMany(items)),
          (results) =>
            results.map((result) => Result.isSuccess(result) ? result.success : result.failure)
        )
      ),
    withContext: (values, fn) => contexts.run(merged(values), fn),
    context: () => (contexts.getStore() ?? nothing).values,
    beforePublish: (name, hook) =>
      attached((bus) => bus.beforePublish(name, (item) => promised(() => hook(item)))),
    afterPublish: (name, hook) =>
      attached((bus) =>
        bus.afterPublish(name, (payload, message) => promised(() => hook(payload, message)))
      ),
    handle: (name, topic, handler, options) =>
      attached((bus) =>
        bus.handle(
          name,
          topic,
          (payload, delivery) => promised(() => handler(payload, delivery)),
          options
        )
      )
  }
}

/** Does something in a scope of its own; returns the effect that closes it. */
const attach = <E>(
  something: (bus: CodeFactory["Service"]) => Effect.Effect<void, E, Scope.Scope>
): Effect.Effect<Effect.Effect<void>, E, CodeFactory> =>
  Effect.gen(function*() {
    const bus = yield* CodeFactory
    const scope = yield* Scope.make()
    yield* Effect.onError(
      Scope.provide(something(bus), scope),
      (cause) => Scope.close(scope, Exit.failCause(cause))
    )
    return Scope.close(scope, Exit.void)
  })

/** What `run` throws or rejects with is kept as it is: it becomes the dead letter's text. */
const promised = <A>(run: () => A | Promise<A>): Effect.Effect<A, unknown> =>
  Effect.flatMap(ExecutionContext.reference, (context) =>
    Effect.tryPromise({
      try: () => contexts.run(context, () => Promise.resolve(run())),
      catch: (error) => error
    }))

const merged = (values: ContextValues): Carried => {
  const carried = merge((contexts.getStore() ?? nothing).values, values)
  if (typeof carried === "string") throw new MessageInvalid({ field: "context", reason: carried })
  return carried
}
