/**
 * The modules of a pool: loaded into every thread, and into each that is started later.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Semaphore from "effect/Semaphore"
import { AgentUnloadable } from "../../services/Agent.ts"
import type { LoadedHandler } from "../../services/Executor.ts"
import type { NumberedModule } from "./Protocol.ts"
import type { Thread } from "./Thread.ts"

/** The thread ended before it had loaded the module. */
export class ThreadGone extends Data.TaggedError("ThreadGone")<{}> {}

/** How often threads may end under the loading of a module before it counts as its fault. */
export const loadAttemptsMax = 3

/** The handlers of a module in a thread, which loads it unless it started with it. */
export const loadInto = (
  thread: Thread,
  module: NumberedModule
): Effect.Effect<ReadonlyArray<LoadedHandler>, AgentUnloadable | ThreadGone> => {
  const asked = Effect.gen(function*() {
    const started = yield* Deferred.await(thread.start)
    const at = thread.startedWith.indexOf(module.number)
    if (!started.isOk) {
      return yield* Effect.fail(
        started.agent === module.module.name && at >= 0
          ? new AgentUnloadable({ agent: started.agent, reason: started.reason })
          : new ThreadGone()
      )
    }
    const own = started.handlers[at]
    if (own !== undefined) return own
    const controls = yield* thread.controls
    const handlers = yield* Effect.catchCause(controls.Load(module), (cause) => {
      // A thread that ends interrupts its calls, which must not interrupt who made them.
      const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
      return Effect.fail(failure?._tag === "AgentUnloadable" ? failure : new ThreadGone())
    })
    thread.modules.add(module.number)
    // The options are what `find` made of them in the other thread.
    return handlers as unknown as ReadonlyArray<LoadedHandler>
  })
  const gone = Effect.andThen(Deferred.await(thread.exit), Effect.fail(new ThreadGone()))
  return Effect.raceFirst(asked, gone)
}

/** Modules that are loaded at the same time. */
export const loadsMax = 64

/**
 * Loads a module into all of these threads, as they are when asked; all find the same. One whose
 * thread ended is loaded again with no other beside it, so that only the guilty one is blamed.
 */
export const loadEverywhere = (
  threads: () => ReadonlyArray<Thread>,
  module: NumberedModule,
  places: Semaphore.Semaphore,
  attempt = 1
): Effect.Effect<ReadonlyArray<LoadedHandler>, AgentUnloadable> =>
  places.withPermits(attempt === 1 ? 1 : loadsMax)(Effect.suspend(() => {
    const asked = threads()
    return Effect.onInterrupt(
      Effect.forEach(asked, (thread) => loadInto(thread, module), { concurrency: "unbounded" }),
      () => Effect.forEach(asked, endIfStuck, { concurrency: "unbounded", discard: true })
    )
  })).pipe(
    Effect.flatMap(([first]) =>
      first === undefined ? Effect.fail(new ThreadGone()) : Effect.succeed(first)
    ),
    Effect.catchTag("ThreadGone", () =>
      attempt < loadAttemptsMax
        ? loadEverywhere(threads, module, places, attempt + 1)
        : Effect.fail(
          new AgentUnloadable({ agent: module.module.name, reason: "it ends its thread" })
        ))
  )

/** How long a thread may take to answer when a module was not loaded in time. */
const answerMs = 5_000

/** A module that never gives its thread back is ended with it; the next one starts without it. */
const endIfStuck = (thread: Thread): Effect.Effect<void> =>
  Effect.flatMap(thread.controls, (controls) => controls.Stats()).pipe(
    Effect.ignore,
    Effect.timeoutOption(answerMs),
    Effect.flatMap((answered) =>
      Effect.sync(() => {
        if (Option.isNone(answered)) {
          thread.end("terminated", "a module that it loads keeps it busy")
        }
      })
    )
  )
