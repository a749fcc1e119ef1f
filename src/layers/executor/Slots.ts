/**
 * Slots: what the main thread and an executor thread know together, in shared memory.
 *
 * A delivery in a thread holds one slot, which is a credit. The thread claims it just before the
 * handler runs; until then the main thread can take the delivery back, also from a thread that is
 * blocked. So "begun" is never a guess, and a blocked thread keeps nothing but what it began.
 */

/** Deliveries that one thread has at most, begun or not: more would only wait in it. */
export const creditsMax = 64

const state = { free: 0, waiting: 1, revoked: 2, begun: 3, finished: 4 } as const

/** Behind the slots: a counter that the thread's timer raises, and the slot that began last. */
const heartAt = creditsMax
const lastAt = creditsMax + 1

/** The slots of one thread. */
export class Slots {
  private readonly cells: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.cells = new Int32Array(memory)
  }

  /** Main thread: a delivery is handed over. */
  offer(slot: number): void {
    Atomics.store(this.cells, slot, state.waiting)
  }

  /** Executor thread: the handler begins, unless the delivery was taken back. */
  claim(slot: number): boolean {
    if (!this.change(slot, state.waiting, state.begun)) return false
    Atomics.store(this.cells, lastAt, slot)
    return true
  }

  /** Main thread: takes a delivery back, unless its handler began. */
  revoke(slot: number): boolean {
    return this.change(slot, state.waiting, state.revoked)
  }

  /** Whether the handler began. */
  hasBegun(slot: number): boolean {
    return Atomics.load(this.cells, slot) === state.begun
  }

  /** Executor thread: the handler succeeded, and nothing it sent waits to be posted. */
  finish(slot: number): void {
    Atomics.store(this.cells, slot, state.finished)
  }

  /** Whether the handler succeeded, also when its thread cannot say so any more. */
  hasFinished(slot: number): boolean {
    return Atomics.load(this.cells, slot) === state.finished
  }

  /** The slot whose handler began last: it most likely blocks or ended its thread. */
  get last(): number {
    return Atomics.load(this.cells, lastAt)
  }

  /** Rises while the thread's loop turns and something runs in it. */
  get heart(): number {
    return Atomics.load(this.cells, heartAt)
  }

  /** Executor thread: its loop turns. */
  beat(): void {
    Atomics.add(this.cells, heartAt, 1)
  }

  private change(slot: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.cells, slot, from, to) === from
  }
}

/** Memory for the slots of one thread. */
export const slotMemory = (): SharedArrayBuffer =>
  new SharedArrayBuffer((creditsMax + 2) * Int32Array.BYTES_PER_ELEMENT)
