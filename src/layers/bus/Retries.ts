/**
 * Retries: deliveries that wait for their next attempt, in a heap by due time.
 *
 * One fibre sleeps until the earliest; nothing is forked per message.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { type Pending, state } from "./Pending.ts"

interface Wait {
  readonly due: number
  /** Ties keep their order. */
  readonly sequence: number
  readonly delivery: Pending
}

const before = (a: Wait, b: Wait): boolean =>
  a.due < b.due || (a.due === b.due && a.sequence < b.sequence)

/** Longest sleep: timers hold no more than 31 bits of milliseconds. */
const sleepMaxMs = 3_600_000

/** Those that are gone are only swept out when there are so many of them. */
const goneMin = 1_000

/** The heap. Its size is bounded by the deliveries in memory. */
export class Retries {
  private heap: Array<Wait> = []
  private gone = 0
  private sequence = 0
  private readonly changed = Latch.makeUnsafe(false)

  /** How many wait. */
  get size(): number {
    return this.heap.length
  }

  /** Lets `delivery` wait until `due` (Unix milliseconds). */
  add(delivery: Pending, due: number): void {
    const wait = { due, sequence: this.sequence++, delivery }
    this.heap.push(wait)
    let at = this.heap.length - 1 // Binary heap: sift up.
    while (at > 0) {
      const parent = (at - 1) >>> 1
      const above = this.heap[parent]
      if (above === undefined || before(above, wait)) break
      this.heap[at] = above
      this.heap[parent] = wait
      at = parent
    }
    if (at === 0) this.changed.openUnsafe()
  }

  /**
   * Tells that `count` deliveries that wait here are gone. They are swept out once they may be more
   * than the others: a wait may be long, and its consumer replaced many times meanwhile.
   */
  leave(count: number): void {
    this.gone += count
    if (this.gone < goneMin || this.gone * 2 < this.heap.length) return
    this.gone = 0
    const waiting = this.heap.filter(({ delivery }) =>
      delivery.state === state.waiting && !delivery.consumer.closed
    )
    // Ascending, which is a heap too.
    this.heap = waiting.toSorted((a, b) => before(a, b) ? -1 : 1)
  }

  /** The next delivery that is due at `now`. */
  takeDue(now: number): Pending | undefined {
    const first = this.heap[0]
    if (first === undefined || first.due > now) return undefined
    const last = this.heap.pop()
    if (last !== undefined && last !== first) this.sink(last)
    return first.delivery
  }

  private sink(wait: Wait): void {
    let at = 0 // Binary heap: sift down.
    for (;;) {
      const left = this.heap[at * 2 + 1]
      const right = this.heap[at * 2 + 2]
      const smaller = right !== undefined && left !== undefined && before(right, left)
        ? at * 2 + 2
        : at * 2 + 1
      const child = this.heap[smaller]
      if (child === undefined || before(wait, child)) break
      this.heap[at] = child
      at = smaller
    }
    this.heap[at] = wait
  }

  /** Runs `onDue` for each delivery at its time, for ever. `now` reads the clock. */
  run(now: () => number, onDue: (delivery: Pending) => void): Effect.Effect<never> {
    const turn = Effect.suspend(() => {
      // Everything that came due while the fibre slept.
      for (let due = this.takeDue(now()); due !== undefined; due = this.takeDue(now())) onDue(due)
      this.changed.closeUnsafe()
      const first = this.heap[0]
      const wake = this.changed.await
      return first === undefined
        ? wake
        : Effect.raceFirst(wake, Effect.sleep(Math.min(sleepMaxMs, Math.max(1, first.due - now()))))
    })
    return Effect.forever(turn)
  }
}
