/**
 * Handing over: what pushes messages to handlers in one process, the bus or a peer.
 */

/** An open way to hand messages over. */
export interface Handing {
  /** Pushes messages `from` to `to`; resolves once all were taken, not when they were handled. */
  readonly push: (from: number, to: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens it; `handled` runs for each message, with its number. */
export type OpenHanding = (handled: (index: number) => void) => Promise<Handing>

/** Longest wait for what was pushed, in milliseconds: what takes longer was lost. */
const patience = 120_000

/** Counts what was handled and tells when there was enough. */
export class Counter {
  count = 0
  private target = Number.POSITIVE_INFINITY
  private done = () => {}

  /** Counts one. */
  readonly add = (): void => {
    this.count++
    if (this.count === this.target) this.done()
  }

  /** Resolves once `more` were counted from now; ask before they can be. */
  next(more: number): Promise<void> {
    const before = this.count
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${this.count - before} of ${more} were handled`)),
        patience
      )
      this.target = before + more
      this.done = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }
}
