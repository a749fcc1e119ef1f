/**
 * The delay of failed credentials: whoever guesses waits ever longer for the answer.
 *
 * A secret of 256 bits is not guessed; the delay keeps a flood of guesses from filling logs and
 * from asking again at the speed of the network. Requests with good credentials never wait, not
 * even from the same address. A delayed answer holds its connection and a timer, and there is room
 * for so many; the guesses beyond are answered at once and their connections closed.
 */

/** The first delay, in milliseconds; each further failure of an address doubles it. */
export const delayMsFirst = 100

/** The longest delay, in milliseconds. */
export const delayMsMax = 5_000

/** An address without a failure for so long starts anew, in milliseconds. */
export const forgetMs = 300_000

/** Addresses that are remembered in each of two generations. */
export const addressesMax = 10_000

/** Delayed answers at once, of one address and together. */
export const waitingMax = { ofAddress: 8, together: 1_000 } as const

/** What is known of an address. Mutable: counts. */
interface Failures {
  count: number
  waiting: number
}

/** A failure: to be answered after `delayMs`, and then `done`; or `undefined`: without any room. */
export interface Delayed {
  readonly delayMs: number
  readonly done: () => void
}

/** The delays of a server. Mutable on purpose: it counts. */
export class FailureDelay {
  #young = new Map<string, Failures>()
  #old = new Map<string, Failures>()
  #turnedAt = -Infinity
  #waiting = 0

  /** Delayed answers that wait now. */
  get waiting(): number {
    return this.#waiting
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Counts a failure of `address` at `now` (milliseconds). */
  failed(address: string, now: number): Delayed | undefined {
    const failures = this.#of(address, now)
    failures.count++
    const full = failures.waiting >= waitingMax.ofAddress || this.#waiting >= waitingMax.together
    if (full) return undefined
    failures.waiting++
    this.#waiting++
    return {
      delayMs: Math.min(delayMsMax, delayMsFirst * 2 ** (failures.count - 1)),
      done: () => {
        failures.waiting--
        this.#waiting--
      }
    }
  }

  /** Two generations: the old one is forgotten as a whole, which costs nothing per address. */
  #of(address: string, now: number): Failures {
    if (now - this.#turnedAt >= forgetMs || this.#young.size >= addressesMax) {
      const idle = now - this.#turnedAt >= forgetMs * 2
      this.#old = idle ? new Map() : this.#young
      this.#young = new Map()
      this.#turnedAt = now
    }
    const known = this.#young.get(address) ?? this.#old.get(address) ?? { count: 0, waiting: 0 }
    this.#young.set(address, known)
    return known
  }
}
