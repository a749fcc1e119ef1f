/**
 * Draining: the bus ends in order and in bounded time. Source: design, P7.
 *
 * First it is only leaving: all is taken as before, while load balancers hear that it is not ready.
 * Then it is closing: nothing is accepted and nothing handed out, and who waits for a delivery is
 * refused, so that it asks elsewhere; running handlers and leases may finish, and acks are taken.
 * What is left stays in the log, with the live leases.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Core } from "./Core.ts"
import { liveLeases } from "./LeasesKept.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/** How long the end may take; milliseconds. */
export interface DrainOptions {
  /** Between the word that the bus is leaving and the first refusal. */
  readonly prestopMs: number
  /** For running handlers and live leases after that. */
  readonly drainMs: number
}

/** How long the log may take for the last settlements and the leases. */
export const storeMsMax = 1_500

/** How often it is looked whether the last lease ended. */
const lookMs = 50

/** The two ways to end a bus; whichever comes first is the one. */
export interface Ends {
  /** For who stays to the end: with the delay before the stop, and time for leases. */
  readonly drain: Effect.Effect<void>
  /**
   * For who goes now, as a program that contains the bus: whoever pulled in it is gone already, so
   * leases are written at once.
   */
  readonly close: Effect.Effect<void>
}

/** The first call begins the end, and later ones wait for it; an interrupted one stops nothing. */
export const make = (
  core: Core,
  pool: WorkerPool,
  options: DrainOptions,
  context: Context.Context<never>
): Ends => {
  const life: { fiber: Fiber.Fiber<void> | undefined } = { fiber: undefined }
  const end = (first: Effect.Effect<void>, leaseMs: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      life.fiber ??= Effect.runForkWith(context)(
        Effect.andThen(
          Effect.andThen(first, Effect.suspend(() => core.others.handOver)),
          stop(core, pool, options.drainMs, leaseMs)
        )
      )
      return Effect.asVoid(Fiber.await(life.fiber))
    })
  return {
    drain: end(leave(core, options.prestopMs), options.drainMs),
    close: end(Effect.void, 0)
  }
}

/** All is taken as before, while load balancers hear that the bus is not ready. */
const leave = (core: Core, prestopMs: number): Effect.Effect<void> =>
  Effect.andThen(
    Effect.sync(() => core.state = "Leaving"),
    prestopMs > 0 ? Effect.sleep(prestopMs) : Effect.void
  )

const stop = Effect.fnUntraced(
  function*(core: Core, pool: WorkerPool, drainMs: number, leaseMs: number) {
    core.state = "Closing"
    core.tails.end("Closed")
    core.consumers.forEach((consumer) => consumer.wake())
    yield* Effect.all([pool.stop(drainMs), leasesEnded(core, core.now() + leaseMs)], {
      concurrency: "unbounded",
      discard: true
    })
    core.state = "Closed"
    core.requests.close()
    const storing = yield* Effect.forkDetach(store(core))
    const stored = yield* Effect.timeoutOption(Fiber.await(storing), storeMsMax)
    if (Option.isNone(stored)) {
      yield* Effect.logError(
        `the log did not take the last settlements within ${storeMsMax} ms; ` +
          "what they settled may be delivered again"
      )
    }
  }
)

/** Returns when no lease is live, or at `until`. */
const leasesEnded = (core: Core, until: number): Effect.Effect<void> =>
  Effect.suspend(() =>
    core.leases.size === 0 || core.now() >= until
      ? Effect.void
      : Effect.andThen(Effect.sleep(lookMs), leasesEnded(core, until))
  )

const store = (core: Core): Effect.Effect<void> =>
  Effect.andThen(
    core.settler.flush,
    Effect.catch(
      Effect.suspend(() => core.log.commit({ leases: liveLeases(core) })),
      (unavailable) => Effect.logWarning("the live leases could not be stored", unavailable)
    )
  )
