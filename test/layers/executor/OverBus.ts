/**
 * A bus in memory over executor threads, with the rough agent attached.
 */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { SubscriptionOptions } from "../../../src/domain/Subscription.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { publishWith } from "../../../src/layers/embed/Publishing.ts"
import * as WorkerThreads from "../../../src/layers/executor/WorkerThreads.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import * as LocalSessions from "../../../src/layers/sessions/LocalSessions.ts"
import type { PublishOptions } from "../../../src/services/CodeFactory.ts"
import { Executor } from "../../../src/services/Executor.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { Sessions } from "../../../src/services/Sessions.ts"
import { sessionValues } from "../../../src/services/SessionValues.ts"
import { agent, lazy } from "../../contracts/ExecutorAgents.ts"
import { draft, named, options } from "../bus/Drafts.ts"

/** A bus and an executor. */
export const over = (threads: WorkerThreads.Options) =>
  Layer.merge(
    Bus.layer({ ...Bus.optionsDefault, drainMs: 0 }).pipe(
      Layer.provide(Layer.fresh(MemoryLog.layer))
    ),
    WorkerThreads.layer(threads)
  )

/** What a handler was handed. */
export interface Handed {
  readonly payload: unknown
  readonly attempt: number
}

/** Attaches the rough agent; tells what it is handed, and waits until nothing is pending. */
export const rough = Effect.fnUntraced(function*(more: Partial<SubscriptionOptions> = {}) {
  const executor = yield* Executor
  const bus = yield* MessageBus
  const [handler] = yield* executor.load(agent("rough"), lazy)
  if (handler === undefined) return assert.fail("no handler")
  const publish = publishWith(bus)
  const sessions = sessionValues(
    Context.get(yield* Layer.build(LocalSessions.layer()), Sessions)
  )
  const handed: Array<Handed> = []
  yield* bus.handle(
    named("rough"),
    options("rough.*", { ackTimeoutMs: 1_000, maxAttempts: 3, ...more }),
    (delivery) => {
      handed.push({ payload: delivery.payload, attempt: delivery.attempt })
      return executor.run(
        handler,
        delivery,
        {
          publish: (topic, payload, options) => publish(topic, payload, options as PublishOptions),
          sessions
        }
      )
    }
  )
  const settled = Effect.gen(function*() {
    for (;;) {
      const [counters] = bus.snapshot().subscriptions
      if (counters?.pending === 0) return counters
      yield* Effect.sleep("20 millis")
    }
  })
  const publishAll = (payloads: ReadonlyArray<unknown>, key?: (at: number) => string) =>
    bus.publishMany(
      payloads.map((payload, at) =>
        draft("rough.a", payload, key === undefined ? {} : { key: key(at) })
      )
    )
  return { bus, executor, handed, publishAll, settled, dead: bus.deadLetters({}, 0, 100) }
})
