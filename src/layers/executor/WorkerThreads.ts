/**
 * The executor in threads of its own: agents are loaded there, deliveries cross in batches, and a
 * thread that does not come back is ended and replaced while all else goes on.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { Executor } from "../../services/Executor.ts"
import { Pool } from "./Pool.ts"
import { Run } from "./Run.ts"

/** How threads are made. */
export interface Options {
  /** At least 1. */
  readonly threads: number
  /** Deliveries after which a thread is replaced, 5 % more or less. */
  readonly recycleAfter?: number
  /** Most megabytes of one thread's heap; the runtime's own limit unless set. */
  readonly heapMegabytesMax?: number
}

/**
 * Deliveries after which a thread is replaced: what agents leak goes with it, and its start costs
 * less than a thousandth of that many. The guide's 1,000 requests per process suit processes that
 * load nothing; jitter keeps threads that started together from being replaced together.
 */
export const recycleAfterDefault = 100_000

/** How often the pool looks after its threads while they run something. */
export const tickMs = 100

/** Handlers run in threads, which start with the first agent. */
export const layer = (
  { heapMegabytesMax, recycleAfter = recycleAfterDefault, threads }: Options
): Layer.Layer<Executor> =>
  Layer.effect(
    Executor,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const random = yield* Random.Random
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const busy = Latch.makeUnsafe(false)
      const pool = new Pool({
        threads,
        recycleAfter,
        heapMegabytesMax,
        now: () => clock.currentTimeMillisUnsafe(),
        random: () => random.nextDoubleUnsafe(),
        fork,
        warn: (text) => void fork(Effect.logWarning(text)),
        wake: () => void busy.openUnsafe()
      })
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() =>
          Effect.forEach(pool.close(), ({ exit }) => Deferred.await(exit), { discard: true })
        )
      )
      yield* Effect.forkScoped(Effect.forever(
        Effect.andThen(
          Effect.andThen(busy.await, Effect.sleep(tickMs)),
          Effect.sync(() => {
            pool.tick()
            if (!pool.isBusy) busy.closeUnsafe()
          })
        )
      ))
      const numbers = { next: 1 } // Mutable on purpose: of modules, never used again.
      return Executor.of({
        load: (module, options) =>
          Effect.suspend(() => {
            const number = numbers.next++
            return Effect.acquireRelease(
              pool.load({ number, module, options }),
              () => pool.unload(number),
              { interruptible: true }
            )
          }),
        run: (handler, delivery, calls) =>
          Effect.withFiber(({ context }) =>
            Effect.callback((resume) => {
              const run = new Run(handler, delivery, calls, context, resume)
              pool.add(run)
              return Effect.callback((letGo) => pool.interrupt(run, () => letGo(Effect.void)))
            })
          ),
        snapshot: () => pool.snapshot
      })
    })
  )
