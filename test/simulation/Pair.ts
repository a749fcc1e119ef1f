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
  dropped: false,
  droppedIn: 0,
  running: false
})
