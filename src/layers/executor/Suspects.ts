/**
 * Suspects: deliveries whose thread ended under them.
 *
 * One of them ended it, and the next loss must count against that one only. So each runs alone
 * until it succeeds, in one of two threads kept for that: the one that began last, and so most
 * likely did it, apart from those that merely stood beside it. Source: design, P2.
 */
import type { Run } from "./Run.ts"

/** Suspects that are remembered; beyond, the oldest is not one any more. */
export const suspectsMax = 10_000

/** Who is suspected. Mutable on purpose: asked for every message, and mostly empty. */
export class Suspects {
  private readonly accused = new Map<string, boolean>()

  /** How many there are. */
  get size(): number {
    return this.accused.size
  }

  /** Whether a run has to run alone: `undefined` if not, else whether it is the accused. */
  of(run: Run): boolean | undefined {
    return this.accused.size === 0 ? undefined : this.accused.get(run.key)
  }

  /** Suspects the runs that a thread lost. */
  add(lost: ReadonlyArray<Run>, last: Run | undefined): void {
    for (const run of lost) {
      this.accused.delete(run.key)
      this.accused.set(run.key, run === last || lost.length === 1)
    }
    for (const key of this.accused.keys()) {
      if (this.accused.size <= suspectsMax) break
      this.accused.delete(key)
    }
  }

  /** A suspect ran alone and succeeded. */
  clear(run: Run): void {
    this.accused.delete(run.key)
  }
}
