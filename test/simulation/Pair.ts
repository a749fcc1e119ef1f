/**
 * What the model knows of one message for one subscription.
 */

/** Mutable on purpose: it follows one delivery. Times are Unix milliseconds. */
export interface Pair {
  /** It was handed out, or may have been. */
  seen: boolean
  lastAttempt: number
  /** The last hand-out used up its attempt. */
  counted: boolean
  successes: number
  succeededAt: number
  succeededIn: number
  /** Its success is in the log, so that it must never be handed out again. */
  durable: boolean
  /** Acknowledgements that got no reply. */
  uncertain: number
  replays: number
  deleted: boolean
  /** It was parked, in this process. */
  isParked: boolean
  parkedIn: number
  /** It ended by the fate of an error, in this process. */
  dropped: boolean
  droppedIn: number
  running: boolean
}

/** Nothing happened yet. */
export const fresh = (): Pair => ({
  seen: false,
  lastAttempt: 0,
  counted: false,
  successes: 0,
  succeededAt: 0,
  succeededIn: 0,
  durable: false,
  uncertain: 0,
  replays: 0,
  deleted: false,
  isParked: false,
  parkedIn: 0,
  dropped: false,
  droppedIn: 0,
  running: false
})

/** Why it must not be handed out again, if so. */
export const whyOver = (pair: Pair, process: number): string | undefined => {
  if (pair.isParked && pair.parkedIn === process) return "although it is parked"
  if (pair.dropped && pair.droppedIn === process) return "after it was dropped"
  const isNew = pair.successes > 0 && pair.succeededIn === process
  return pair.durable || isNew ? "after its success" : undefined
}

/** The process `former` ended; what succeeded in it up to `durableUntil` has reached the log. */
export const outlive = (
  pair: Pair,
  how: "Closed" | "Killed" | "PowerCut",
  former: number,
  durableUntil: number
): void => {
  const isNew = pair.successes > 0 && pair.succeededIn === former
  Object.assign(pair, {
    counted: how !== "PowerCut" && (pair.running ? how === "Killed" : pair.counted),
    lastAttempt: how === "PowerCut" ? 0 : pair.lastAttempt,
    durable: pair.durable || (isNew && pair.succeededAt <= durableUntil),
    running: false
  })
}
