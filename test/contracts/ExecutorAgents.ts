/**
 * The agents of the executor's contract, loaded and handed messages.
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import type { Message } from "../../src/domain/Message.ts"
import { Executor, type LoadedHandler, type LoadOptions } from "../../src/services/Executor.ts"
import { delivery, outlet } from "./ExecutorDeliveries.ts"

/** Load everything as the agent says. */
export const eager: LoadOptions = { isHeavyLazy: false, isCheckSkipped: false }

/** Load what is heavy at the first message. */
export const lazy: LoadOptions = { isHeavyLazy: true, isCheckSkipped: false }

/** An agent of the contract. */
export const agent = (name: string, version = 1) => ({
  name,
  url: new URL(`./agents/${name}.ts`, import.meta.url).href,
  version
})

/** Loads an agent; its handlers by export. */
export const loaded = Effect.fnUntraced(function*(name: string, options = lazy) {
  const executor = yield* Executor
  const handlers = yield* executor.load(agent(name), options)
  const named = new Map(handlers.map((handler) => [handler.exported, handler]))
  return {
    handlers,
    of: (exported: string): LoadedHandler => named.get(exported) ?? assert.fail(exported)
  }
})

/** Hands one message to a handler of `orders`; what it published comes from `sent`. */
export const handed = Effect.fnUntraced(
  function*(exported: string, payload: unknown, more?: Partial<Message>) {
    const { of } = yield* loaded("orders")
    const { calls, sent, topics } = yield* outlet
    const { run } = yield* Executor
    const given = delivery(payload, more)
    return { given, sent, topics, run: run(of(exported), given, calls) }
  }
)

/** Adds a test of an executor that has loaded nothing. */
export type Live = (
  title: string,
  test: Effect.Effect<void, unknown, Executor | Scope.Scope>
) => void
