/**
 * The decisions of a bus: the newest 10,000, in one reused circular array.
 *
 * Refusals may come by the hundred thousand a second. They are sampled: one per kind, subject and
 * second is kept, with the number of those in between.
 */
import type { Decision, DecisionFilter, DecisionMade } from "../../domain/Decision.ts"

/** Decisions kept. Source: design, section 9, "Limits". */
export const decisionsMax = 10_000

/** Time between two kept samples of one kind and subject. */
export const sampleEveryMs = 1_000

/** Kinds and subjects that are sampled at once; beyond, counting starts anew. */
export const sampledMax = 10_000

interface Sampled {
  at: number
  skipped: number
}

/** The kept decisions. */
export class Decisions {
  /** Called with every decision that is kept; they do not throw. */
  readonly listeners = new Set<(decision: Decision) => void>()
  private readonly kept: Array<Decision> = []
  private readonly sampled = new Map<string, Sampled>()
  private nextId = 0

  /** How many were kept since the start. */
  get made(): number {
    return this.nextId
  }

  /** Keeps a decision. */
  add(decision: DecisionMade, at: number): void {
    this.keep(decision, at, 0)
  }

  /** Keeps a decision, unless one of its kind and subject was kept within the last second. */
  sample(decision: DecisionMade, at: number): void {
    const name = `${decision.kind}\0${decision.subject}`
    const last = this.sampled.get(name)
    if (last !== undefined && at - last.at < sampleEveryMs && at >= last.at) {
      last.skipped++
      return
    }
    const skipped = last?.skipped ?? 0
    if (last === undefined && this.sampled.size >= sampledMax) this.sampled.clear()
    this.sampled.set(name, { at, skipped: 0 })
    this.keep(decision, at, skipped)
  }

  /** Kept ones with an id above `after` that pass the filter, ascending, at most `limit`. */
  list(filter: DecisionFilter, after: number, limit: number): ReadonlyArray<Decision> {
    const found: Array<Decision> = []
    const oldest = Math.max(0, this.nextId - decisionsMax)
    // At most 10,000 turns over a circular array.
    for (let id = Math.max(oldest, after + 1); id < this.nextId && found.length < limit; id++) {
      const decision = this.kept[id % decisionsMax]
      if (decision !== undefined && passes(decision, filter)) found.push(decision)
    }
    return found
  }

  private keep(decision: DecisionMade, at: number, skipped: number): void {
    const id = this.nextId++
    const kept = { id, at, ...decision, skipped }
    this.kept[id % decisionsMax] = kept
    this.listeners.forEach((listener) => listener(kept))
  }
}

const passes = ({ kind, subject }: Decision, filter: DecisionFilter): boolean =>
  (filter.kind ?? kind) === kind && (filter.subject ?? subject) === subject
