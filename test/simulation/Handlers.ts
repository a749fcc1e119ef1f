/**
 * Handlers of a simulated bus: some do their work, some fail in every way there is.
 */
import { Cause, Effect, Exit } from "effect"
import { PermanentFailure } from "../../src/domain/Delivery.ts"
import { type Fates, noFates } from "../../src/domain/Fate.ts"
import { hash32 } from "../../src/domain/Position.ts"
import type { Core } from "../../src/layers/bus/Core.ts"
import type { Handler } from "../../src/services/MessageBus.ts"
import { ackTimeoutMsMin } from "./Commands.ts"
import { replyTo } from "./Requesters.ts"
import type { Run } from "./Run.ts"

const ways = ["fails", "throws", "dies", "hangs", "isPermanent", "interrupts"] as const

/** Fates of some errors, by tag. */
export const fates: Fates = {
  isDropped: "drop",
  isBuried: "deadLetter",
  isParked: "park",
  PermanentFailure: "retry"
}

const fatedWays = [...ways, "isDropped", "isBuried", "isParked"] as const

type Way = typeof fatedWays[number]

/** A handler that misbehaves in `badness` of its runs, which message and attempt decide. */
export const handlerOf = (
  run: Run,
  core: Core,
  incarnation: number,
  badness: number,
  fates: Fates,
  paceMs: number
): Handler =>
(delivery) =>
  Effect.suspend(() => {
    const { attempt, message } = delivery
    const draw = (what: string): number =>
      hash32(`${run.seed} ${what} ${incarnation} ${message.payload} ${attempt}`) / 2 ** 32
    run.saw("handler starts", `${incarnation} ${message.payload} ${attempt}`)
    const since = run.world.now
    run.deliveries.enter(incarnation, message, attempt, run.world.now)
    const isBad = run.faulty && draw("bad") < badness
    const possible = fates === noFates ? ways : fatedWays
    const way = possible[Math.floor(draw("way") * possible.length)]
    if (isBad) run.saw(`handler ${way}`)
    const isLate = run.faulty && run.more && !isBad && draw("late") < 0.03
    const work = isBad ? badly(way) : isLate ? late(run, draw("slow")) : ending(run, draw("slow"))
    const paced = paceMs > 0 && run.faulty ? Effect.andThen(Effect.sleep(paceMs), work) : work
    const isRequest = message.headers?.includes("reply-to") === true
    const replied = isRequest
      ? Effect.andThen(paced, Effect.ignore(delivery.reply(replyTo(message.payload))))
      : paced
    return Effect.onExit(replied, (exit) =>
      Effect.sync(() => {
        const isCounted = Exit.isSuccess(exit) || !Cause.hasInterruptsOnly(exit.cause) ||
          (isBad && way === "interrupts") || core.state === "Running"
        const isCut = Exit.isFailure(exit) && !isBad && core.state === "Running"
        if (isCut && run.world.now < since + ackTimeoutMsMin) {
          run.breach(5, `interrupted before its time: ${message.payload} for ${incarnation}`)
        }
        const failed = isCounted ? Exit.isFailure(exit) : undefined
        run.saw("handler ends", `${incarnation} ${message.payload} ${failed}`)
        run.deliveries.leave(incarnation, message, failed, run.world.now)
        if (isBad && way === "isParked") run.deliveries.parked(incarnation, message.id)
        if (isBad && way === "isDropped") run.deliveries.dropped(incarnation, message.id)
      }))
  })

const ending = (run: Run, slow: number): Effect.Effect<void> => {
  if (slow >= 0.5) return Effect.void
  run.saw("handler is slow")
  return Effect.sleep(Math.ceil(slow * 400))
}

/** About as long as a handler may take, and so that the watchdog comes in between. */
const late = (run: Run, slow: number): Effect.Effect<void> => {
  run.saw("handler is late")
  return Effect.sleep(ackTimeoutMsMin + Math.ceil((slow - 0.3) * 500))
}

const badly = (way: Way | undefined): Effect.Effect<void, unknown> => {
  switch (way) {
    case "throws":
      return Effect.suspend(() => {
        throw new Error("thrown")
      })
    case "dies":
      return Effect.die("died")
    case "hangs":
      return Effect.never
    case "isPermanent":
      return Effect.fail(new PermanentFailure({ reason: "never" }))
    case "interrupts":
      return Effect.interrupt
    case "isDropped":
    case "isBuried":
    case "isParked":
      return Effect.fail({ _tag: way })
    default:
      return Effect.fail("failed")
  }
}
