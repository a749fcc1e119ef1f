/**
 * Order per key: the in-flight table of one subscription, over both lanes.
 *
 * Deliveries of one key follow each other per lane; one runs at a time (or one run of them at one
 * consumer). A waiting retry holds its own lane only. The table knows nothing of shards, so that
 * it outlives a resize. Source: design, P3.
 */
import { highPerNormal, type Lane, lanes } from "../../domain/Priority.ts"
import { Fifo } from "./Fifo.ts"
import { type Pending, state } from "./Pending.ts"

/** One key with something in flight or waiting. */
class KeyState {
  /** Handed out and not settled, in order; more than one only at one consumer. */
  readonly running: Array<Pending> = []
  /** Which hand-out run `running` belongs to. */
  run = 0
  /** The delivery that `next` chose and that has not been handed out yet. */
  reserved: Pending | undefined = undefined
  /** Per lane, the delivery that waits for its retry and whether its time has come. */
  readonly held: [Pending | undefined, Pending | undefined] = [undefined, undefined]
  readonly due: [boolean, boolean] = [false, false]
  readonly waiting: readonly [Fifo<Pending>, Fifo<Pending>] = [new Fifo(), new Fifo()]
  /** High deliveries in a row. */
  streak = 0
  /** Leases of a former process: while one runs, nothing goes out. */
  guards = 0
}

/** The in-flight table. `release` puts a chosen delivery back into circulation. */
export class KeyOrder {
  private readonly keys = new Map<string, KeyState>()
  private readonly circulate: (delivery: Pending) => void

  constructor(circulate: (delivery: Pending) => void) {
    this.circulate = circulate
  }

  /** How many keys have something in flight or waiting. */
  get size(): number {
    return this.keys.size
  }

  /**
   * Whether `delivery` may be handed out now; otherwise it is kept here until it may.
   *
   * `run` names a hand-out to one consumer: deliveries of one key and lane may go out together
   * there. 0 is a worker, which takes one at a time.
   */
  admit(order: string, delivery: Pending, run: number): boolean {
    const key = this.keys.get(order)
    if (key === undefined) {
      const fresh = new KeyState()
      fresh.run = run
      fresh.running.push(delivery)
      this.keys.set(order, fresh)
      return true
    }
    if (delivery.suspect && key.running.includes(delivery)) return true
    const { lane } = delivery.entry
    if (key.reserved === delivery) key.reserved = undefined
    else if (!this.mayPass(key, delivery, run)) {
      if (key.held[lane] === delivery) key.due[lane] = true
      else key.waiting[lane].push(delivery)
      return false
    }
    if (key.held[lane] === delivery) key.held[lane] = undefined
    key.run = run
    key.running.push(delivery)
    if (run !== 0) this.follow(key, lane)
    return true
  }

  /**
   * Lets what waits behind a delivery go out to the same consumer in the same run: all of it, or
   * none when one of them waits for its retry, so that no part can come back behind another.
   */
  private follow(key: KeyState, lane: Lane): void {
    const waiting = key.waiting[lane]
    for (let at = 0; at < waiting.length; at++) { // A queue is not iterable: it is a hot one.
      if (waiting.at(at)?.state === state.waiting) return
    }
    for (let found = waiting.shift(); found !== undefined; found = waiting.shift()) { // In order.
      this.circulate(found)
    }
  }

  /** Nothing of a lane goes out before `delivery`, which waits for its retry. */
  private holdLane(key: KeyState, delivery: Pending): void {
    key.held[delivery.entry.lane] = delivery
    key.due[delivery.entry.lane] = false
  }

  private mayPass(key: KeyState, delivery: Pending, run: number): boolean {
    const { lane } = delivery.entry
    const held = key.held[lane]
    if (key.guards > 0 || key.reserved !== undefined) return false
    if (held !== undefined && held !== delivery) return false
    if (held === undefined && key.waiting[lane].length > 0) return false
    const last = key.running[key.running.length - 1]
    return last === undefined || (run !== 0 && key.run === run && last.entry.lane === lane)
  }

  /** `delivery` ended its hand-out for good. */
  settle(order: string, delivery: Pending): void {
    const key = this.keys.get(order)
    if (key === undefined) return
    const { lane } = delivery.entry
    this.leave(key, delivery)
    if (key.reserved === delivery) key.reserved = undefined
    if (key.held[lane] === delivery) key.held[lane] = undefined
    this.next(order, key)
  }

  /** Forgets what of a key was given up while it waited, and lets the next go on. */
  forget(order: string): void {
    const key = this.keys.get(order)
    if (key === undefined) return
    for (const waiting of key.waiting) {
      const left = waiting.takeAll().filter((delivery) => delivery.state !== state.settled)
      left.forEach((delivery) => waiting.push(delivery))
    }
    if (key.reserved?.state === state.settled) key.reserved = undefined
    this.next(order, key)
  }

  /**
   * `delivery` failed and waits for its retry: it holds its lane. Returns the deliveries of its run
   * that were handed out behind it: their hand-outs are void and they wait in their place.
   */
  hold(order: string, delivery: Pending): ReadonlyArray<Pending> {
    const key = this.keys.get(order)
    if (key === undefined) return []
    const { lane } = delivery.entry
    const at = key.running.indexOf(delivery)
    const behind = at < 0 ? [] : key.running.splice(at).slice(1)
    const held = key.held[lane] // It failed before one that went out earlier in the same run.
    if (held !== undefined && held !== delivery) key.waiting[lane].unshift(held)
    behind.toReversed().forEach((later) => key.waiting[lane].unshift(later))
    this.holdLane(key, delivery)
    this.next(order, key)
    return behind
  }

  /**
   * `delivery` waits for its retry since before the process started: it holds its lane once those
   * that came before it are done.
   */
  wait(order: string, delivery: Pending): void {
    const key = this.keys.get(order) ?? new KeyState()
    this.keys.set(order, key)
    const { lane } = delivery.entry
    if (key.held[lane] === undefined && key.waiting[lane].length === 0) {
      this.holdLane(key, delivery)
    } else key.waiting[lane].push(delivery)
  }

  /** The wait of a held delivery is over: it goes out as soon as its key is free. */
  retry(order: string, delivery: Pending): void {
    const key = this.keys.get(order)
    const { lane } = delivery.entry
    if (key === undefined || key.held[lane] !== delivery) return
    key.due[lane] = true
    this.next(order, key)
  }

  /** A lease of a former process holds both lanes of a key, whatever of them is read first. */
  guard(order: string): void {
    const key = this.keys.get(order) ?? new KeyState()
    this.keys.set(order, key)
    key.guards++
  }

  /** One of the leases of a former process ended. */
  endGuard(order: string): void {
    const key = this.keys.get(order)
    if (key === undefined || key.guards === 0) return
    key.guards--
    this.next(order, key)
  }

  private leave(key: KeyState, delivery: Pending): void {
    const at = key.running.indexOf(delivery)
    if (at >= 0) key.running.splice(at, 1)
  }

  /** Lets the next delivery of a free key go on, or forgets the key. */
  private next(order: string, key: KeyState): void {
    if (key.running.length > 0 || key.reserved !== undefined || key.guards > 0) return
    const first: Lane = key.streak >= highPerNormal ? lanes.normal : lanes.high
    const second: Lane = first === lanes.high ? lanes.normal : lanes.high
    const chosen = this.pick(key, first) ?? this.pick(key, second)
    if (chosen !== undefined) {
      key.streak = chosen.entry.lane === lanes.high ? key.streak + 1 : 0
      key.reserved = chosen
      this.circulate(chosen)
    } else if (key.held[0] === undefined && key.held[1] === undefined) this.keys.delete(order)
  }

  private pick(key: KeyState, lane: Lane): Pending | undefined {
    const held = key.held[lane]
    if (held !== undefined) {
      if (!key.due[lane]) return undefined
      key.held[lane] = undefined
      return held
    }
    const waiting = key.waiting[lane]
    // What was acknowledged while it waited is skipped.
    for (let found = waiting.shift(); found !== undefined; found = waiting.shift()) {
      if (found.state === state.settled) continue
      if (found.state !== state.waiting) return found
      this.holdLane(key, found)
      return undefined
    }
    return undefined
  }
}
