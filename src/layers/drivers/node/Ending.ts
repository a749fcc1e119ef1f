/**
 * Ending: how long the process may take once it was told to end, and who hears of the telling.
 *
 * Who interrupts the program at the first signal is the runtime; here is only what must hold even
 * if the program does not end then. A further signal changes nothing.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import process from "node:process"

/** What happens at which time. */
export interface Ending {
  /** Milliseconds from the first signal to `late`; asked at the first signal. */
  readonly limitMs: () => number
  readonly heard: (signal: NodeJS.Signals, times: number) => void
  /** The time is over. */
  readonly late: () => void
}

const signals = ["SIGTERM", "SIGINT"] as const

/** Listens to signals until the scope closes. */
export const watch = (ending: Ending): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => {
      const life: { times: number; timer: NodeJS.Timeout | undefined } = {
        times: 0,
        timer: undefined
      }
      const onSignal = (signal: NodeJS.Signals): void => {
        ending.heard(signal, ++life.times)
        // A timer of the process: it must fire whatever became of fibres and clocks.
        life.timer ??= setTimeout(ending.late, ending.limitMs()).unref()
      }
      signals.forEach((signal) => process.on(signal, onSignal))
      return { life, onSignal }
    }),
    ({ life, onSignal }) =>
      Effect.sync(() => {
        signals.forEach((signal) => process.off(signal, onSignal))
        clearTimeout(life.timer)
      })
  ))
