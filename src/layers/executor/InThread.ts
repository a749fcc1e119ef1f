/**
 * The executor in this thread: nothing is handed over, so it costs least, and a handler that blocks
 * blocks everything. For programs that embed the bus, and for `EXECUTOR_THREADS=0`.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AgentUnloadable } from "../../services/Agent.ts"
import { Executor, HandlerFailed, HandlerNotBegun, nothingRun } from "../../services/Executor.ts"
import type { LoadedHandler } from "../../services/Executor.ts"
import { AgentView } from "./AgentView.ts"
import { Invocation } from "./Invocation.ts"
import { load, type Ready } from "./Loading.ts"

/**
 * How long an interrupted handler may take to let go. After that nothing in this thread can end it:
 * the interruption goes on, a warning says so, and its key may run beside it.
 */
export const letGoMs = 5_000

/** Handlers run in this thread. */
export const layer: Layer.Layer<Executor> = Layer.sync(Executor, () => {
  const handlers = new Map<number, Ready>()
  // Mutable on purpose: numbers given out, and handlers that run now.
  const counts = { nextId: 1, running: 0 }

  const register = (ready: Ready): LoadedHandler => {
    const id = counts.nextId++
    handlers.set(id, ready)
    const { exported, options, subscription, topic } = ready.found
    return { id, exported, options, subscription, topic }
  }

  return Executor.of({
    load: (module, options) =>
      Effect.acquireRelease(
        Effect.mapBoth(load(module, options), {
          onSuccess: (found) => found.map(register),
          onFailure: (why) => new AgentUnloadable(why)
        }),
        (loaded) => Effect.sync(() => loaded.forEach(({ id }) => handlers.delete(id))),
        { interruptible: true }
      ),
    run: (handler, delivery, { publish, sessions }) =>
      Effect.withFiber((fiber) =>
        Effect.callback((resume) => {
          const ready = handlers.get(handler.id)
          if (ready === undefined) return resume(notBegun)
          const { context } = fiber // What a handler publishes carries the context of its message.
          const promise = Effect.runPromiseWith(context)
          const view = new AgentView(delivery, {
            publish: (topic, payload, options) => promise(publish(topic, payload, options)),
            reply: (value) => promise(delivery.reply(value)),
            sessions: {
              get: (name) => promise(sessions.get(name)),
              set: (name, value, options) => promise(sessions.set(name, value, options)),
              delete: (name, version) => promise(sessions.delete(name, version))
            }
          })
          const end: { tell: (() => void) | undefined } = { tell: undefined }
          const invocation = new Invocation(ready, view, (failure) => {
            counts.running--
            end.tell?.()
            resume(failure === undefined ? Effect.void : Effect.fail(new HandlerFailed(failure)))
          })
          counts.running++
          invocation.begin()
          return lettingGo(invocation, handler, end)
        })
      ),
    snapshot: () => ({ ...nothingRun, running: counts.running })
  })
})

const notBegun = Effect.fail(new HandlerNotBegun())

/** Waits until a cancelled handler has ended, within its limit. */
const lettingGo = (
  invocation: Invocation,
  { subscription }: LoadedHandler,
  end: { tell: (() => void) | undefined }
): Effect.Effect<void> => {
  const letGo = Effect.callback<boolean>((resume) => {
    end.tell = () => resume(Effect.succeed(true))
    invocation.cancel()
  })
  const late = Effect.as(
    Effect.logWarning(`${subscription}: a handler does not let go after its time limit`),
    false
  )
  return Effect.asVoid(
    Effect.raceFirst(letGo, Effect.andThen(Effect.sleep(letGoMs), late))
  )
}
