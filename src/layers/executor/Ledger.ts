/**
 * The ledger of an executor thread, in the main thread: which run holds which slot, what of it has
 * begun, and whether the thread's loop turns.
 */
import type { Run } from "./Run.ts"
import { creditsMax, Slots } from "./Slots.ts"

/**
 * A thread whose heart stands still for so long is blocked: it gets nothing new, and what it did
 * not begin is taken back. Five beats, so that a busy machine is not taken for a blocked thread.
 */
export const blockedMs = 250

/** One ledger. Mutable on purpose: written for every message. */
export class Ledger {
  private readonly slots: Slots
  private readonly free = Array.from({ length: creditsMax }, (_, slot) => slot)
  private readonly runs = new Map<number, Run>()
  private hands = 0
  private heart = 0
  private heartAt = 0

  constructor(memory: SharedArrayBuffer) {
    this.slots = new Slots(memory)
  }

  /** Deliveries that have no outcome. */
  get inFlight(): number {
    return this.runs.size
  }

  /** Slots that nothing holds. */
  get credits(): number {
    return this.free.length
  }

  /** How often the heart of the thread has beaten. */
  get beats(): number {
    return this.slots.heart
  }

  /** Whether the loop has stood still for a while although something runs in it. */
  isBlocked(now: number): boolean {
    const { heart } = this.slots
    if (heart !== this.heart || this.runs.size === 0) this.heartAt = now
    this.heart = heart
    return now - this.heartAt > blockedMs
  }

  /** Whether a handler was told to let go and did not yet. */
  get hasCancelled(): boolean {
    return [...this.runs.values()].some(({ isCancelled }) => isCancelled)
  }

  /** Whether all that still runs was told to let go. */
  get isHung(): boolean {
    return [...this.runs.values()].every(({ isCancelled }) => isCancelled)
  }

  /** Gives a run a slot; there has to be a credit. */
  enter(run: Run, now: number): void {
    const slot = this.free.pop()
    if (slot === undefined) throw new Error("a delivery for a thread without credit") // A bug.
    if (this.runs.size === 0) this.heartAt = now
    this.runs.set(slot, run)
    run.slot = slot
    run.hand = ++this.hands
    this.slots.offer(slot)
  }

  /** The run that holds a slot, unless it is another one by now. */
  find(slot: number, hand: number): Run | undefined {
    const run = this.runs.get(slot)
    return run?.hand === hand ? run : undefined
  }

  /** Takes a run back, unless its handler began. */
  takeBack(run: Run): boolean {
    // The slot stays taken until the thread has seen that it need not begin.
    if (!this.slots.revoke(run.slot)) return false
    run.place = undefined
    return this.runs.delete(run.slot)
  }

  /** Takes back all that did not begin. */
  takeAllBack(): ReadonlyArray<Run> {
    return [...this.runs.values()].filter((run) => this.takeBack(run))
  }

  /** The run of a slot has its outcome. */
  leave(slot: number): Run | undefined {
    const run = this.runs.get(slot)
    this.runs.delete(slot)
    return run
  }

  /** The thread needs a slot no longer. */
  release(slot: number): void {
    this.free.push(slot)
  }

  /** Lets the time limits of what began run; returns a run that has not let go by its limit. */
  look(now: number, letGoMs: number): Run | undefined {
    let late: Run | undefined = undefined // One pass over the runs, ten times a second: hot.
    for (const run of this.runs.values()) {
      if (!run.hasBegun && this.slots.hasBegun(run.slot)) run.begins()
      if (run.cancelledAt + letGoMs <= now) late = run
    }
    return late
  }

  /** The thread is gone: what had not begun, had succeeded, and neither; the last to begin. */
  close() {
    const unbegun = this.takeAllBack()
    const last = this.runs.get(this.slots.last)
    const all = [...this.runs.values()]
    this.runs.clear()
    const done = all.filter(({ slot }) => this.slots.hasFinished(slot))
    return { unbegun, done, lost: all.filter((run) => !done.includes(run)), last }
  }
}
