/**
 * Calls of a simulated bus, and the refusals each of them may meet.
 */
import { Cause, type Effect, Exit } from "effect"
import type { Run } from "./Run.ts"

/** Kinds of calls. */
export type CallKind = "publish" | "manage" | "consume" | "operate" | "tails" | "shards" | "request"

const publish = [
  "ShardFull",
  "ShardPaused",
  "LogUnavailable",
  "IdempotencyConflict",
  "IdempotencyInFlight",
  "HookRefused",
  "DelayedLimit",
  "BacklogFull"
]

/** Refusals that each kind of call may meet, by tag. */
export const refusals: Readonly<Record<CallKind, ReadonlyArray<string>>> = {
  publish,
  request: [...publish, "RequestTimeout", "RequestLimit"],
  manage: ["SubscriptionConflict", "SubscriptionUnknown", "SubscriptionHandled", "LogUnavailable"],
  consume: ["SubscriptionUnknown", "SubscriptionHandled", "LogUnavailable"],
  operate: ["LogUnavailable"],
  tails: [],
  shards: ["ResizeRunning", "ShardUnknown"]
}

/** Calls the bus; `use` hears of success. Refusals that are not expected are breaches. */
export const call = <A, E extends { readonly _tag: string }>(
  run: Run,
  what: CallKind,
  effect: Effect.Effect<A, E>,
  use: (value: A) => void,
  refused: (error: E) => void = () => {}
): void => {
  const { core, process } = run.node
  process.fork(effect, (exit) => {
    if (Exit.isSuccess(exit)) return use(exit.value)
    const failure = exit.cause.reasons.find(Cause.isFailReason)?.error
    const isClosing = core.state !== "Running"
    if (failure === undefined) {
      if (!isClosing) run.breach(0, `${what} ended with ${Cause.pretty(exit.cause)}`)
      return
    }
    run.saw(`${what} refused: ${failure._tag}`)
    const isExpected = refusals[what].includes(failure._tag) ||
      (isClosing && failure._tag === "BusClosed")
    if (!isExpected) run.breach(0, `${what} was refused: ${Cause.pretty(exit.cause)}`)
    refused(failure)
  })
}
