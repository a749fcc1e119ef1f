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
import {
  CodeFactory,
  type HandleOptions,
  type Item,
  type PublishOptions
} from "../../services/CodeFactory.ts"
import {
  type Accepted,
  BusClosed,
  type Delivery,
  type PublishError
} from "../../services/MessageBus.ts"

/** A result of a batch: what was accepted, or the tagged error of the refusal. */
export type ItemResult = Accepted | PublishError

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
      ? runtime.runPromise(effect)
      : Promise.reject(new BusClosed({ state: life.state }))

  const close = (): Promise<void> => {
    life.state = "Closed"
    return runtime.dispose()
  }

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
    handle: (name, topic, handler, options) =>
      run(attach(name, topic, handler, options)).then(
        (detach) => () => life.state === "Running" ? runtime.runPromise(detach) : Promise.resolve()
      )
  }
}

/** Attaches a handler in a scope of its own; returns the effect that closes it. */
const attach = (
  name: string,
  topic: string,
  handler: (payload: unknown, delivery: Delivery) => unknown,
  options?: HandleOptions
) =>
  Effect.gen(function*() {
    const bus = yield* CodeFactory
    const scope = yield* Scope.make()
    const attached = bus.handle(name, topic, promised(handler), options)
    yield* Scope.provide(attached, scope)
    return Scope.close(scope, Exit.void)
  })

/** What a handler throws or rejects with is kept as it is: it becomes the dead letter's text. */
const promised =
  (handler: (payload: unknown, delivery: Delivery) => unknown) =>
  (payload: unknown, delivery: Delivery): Effect.Effect<unknown, unknown> =>
    Effect.tryPromise({
      try: () => Promise.resolve(handler(payload, delivery)),
      catch: (error) => error
    })
