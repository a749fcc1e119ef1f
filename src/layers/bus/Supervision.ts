/**
 * Supervision: the fibres that keep a bus going are started again when a bug ends one.
 *
 * Each end is logged and counted; the wait before the next start keeps a bug that strikes at once
 * from spinning.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Core } from "./Core.ts"

/** The fibres that are supervised, by the names of their metric. */
export const fibres = [
  "settler",
  "retries",
  "leases",
  "delays",
  "backlog",
  "retention",
  "watchdog"
] as const
/** One of them. */
export type Fibre = (typeof fibres)[number]

/** Wait before a fibre that ended is started again. */
export const fibreRestartMs = 1_000

/** How long a fibre may take to end with the bus; a store that hangs must not hold up the rest. */
const fibreEndMs = 500

/** Runs `effect`, which mostly never ends, until the scope closes, whatever happens to it. */
export const supervise = (
  core: Core,
  name: Fibre,
  effect: Effect.Effect<void>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.map(Effect.context<never>(), (context) =>
      Effect.runForkWith(context)(again(core, name, effect))),
    (fiber) =>
      Effect.timeoutOption(Fiber.interrupt(fiber), fibreEndMs)
  ))

const again = (core: Core, name: Fibre, effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(effect, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    core.fibreRestarts.set(name, (core.fibreRestarts.get(name) ?? 0) + 1)
    return Effect.logError(`a bug ended the fibre of the ${name}; it is started again`, cause).pipe(
      Effect.andThen(Effect.sleep(fibreRestartMs)),
      Effect.andThen(Effect.suspend(() => again(core, name, effect)))
    )
  })
