/**
 * When an event goes out with a position: often enough that a resume repeats little.
 */
import { positionEvery } from "../../services/Tails.ts"

/** Events go out with a position when the last one is older than this, in milliseconds. */
export const positionAgeMs = 1_000

/**
 * Half of what the promise allows: a tail gets some events with the others of its view and some by
 * itself, which count apart.
 */
const countMax = positionEvery / 2

/** Counts the events since the last position. Mutable: asked at every event. */
export class TailPositions {
  private count = 0
  private at: number

  constructor(now: number) {
    this.at = now
  }

  /** Counts one event more; whether it goes out with a position. */
  isDue(now: number): boolean {
    if (++this.count < countMax && now - this.at < positionAgeMs) return false
    this.count = 0
    this.at = now
    return true
  }

  /** Something else went out with a position. */
  given(): void {
    this.count = 0
  }
}
