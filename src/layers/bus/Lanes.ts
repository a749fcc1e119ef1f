/**
 * The two lanes of a place where deliveries wait: high first, one normal for every eight high.
 *
 * What comes back (a retry, the next of a key) goes before what never went out: it is older.
 */
import { highPerNormal, type Lane, lanes } from "../../domain/Priority.ts"
import { Fifo } from "./Fifo.ts"
import { type Pending, state } from "./Pending.ts"

/** Deliveries that wait, by queue and lane. */
export interface Waiting {
  readonly fresh: readonly [Array<Pending>, Array<Pending>]
  readonly returned: readonly [Array<Pending>, Array<Pending>]
}

const isThere = (delivery: Pending): boolean =>
  delivery.state !== state.settled && !delivery.consumer.closed

/** Of two that are each in order, the older goes first. Not a sort: ages may be out of order. */
const mergeInto = (queue: Fifo<Pending>, others: ReadonlyArray<Pending>): void => {
  if (others.length === 0) return
  const own = queue.takeAll()
  let at = 0 // One pass over two queues.
  for (const other of others) {
    for (let next = own[at]; next !== undefined && !isOlder(other, next); next = own[++at]) {
      queue.push(next)
    }
    queue.push(other)
  }
  // The rest of them, in order.
  for (let next = own[at]; next !== undefined; next = own[++at]) queue.push(next)
}

const isOlder = (a: Pending, b: Pending): boolean =>
  a.entry.message.publishedAt < b.entry.message.publishedAt

/** High and normal deliveries that wait to be handed out. */
export class Lanes {
  private readonly fresh: readonly [Fifo<Pending>, Fifo<Pending>] = [new Fifo(), new Fifo()]
  private readonly returned: readonly [Fifo<Pending>, Fifo<Pending>] = [new Fifo(), new Fifo()]
  private streak = 0

  /** A delivery that waits for the first time. */
  push(delivery: Pending): void {
    this.fresh[delivery.entry.lane].push(delivery)
  }

  /** A delivery that comes back, or goes on after its key was held. */
  giveBack(delivery: Pending): void {
    this.returned[delivery.entry.lane].push(delivery)
  }

  /** How many wait in a lane. */
  size(lane: Lane): number {
    return this.fresh[lane].length + this.returned[lane].length
  }

  /** When the oldest of those that are next became deliverable; `undefined` when none waits. */
  get oldest(): number | undefined {
    const next = [...this.fresh, ...this.returned].flatMap((queue) => queue.at(0) ?? [])
    const times = next.map(({ entry: { message } }) => message.deliverAt ?? message.publishedAt)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** The next delivery that is neither settled meanwhile nor of a consumer that is gone. */
  take(): Pending | undefined {
    for (let found = this.shift(); found !== undefined; found = this.shift()) { // Skips the gone.
      if (isThere(found)) return found
    }
    return undefined
  }

  private shift(): Pending | undefined {
    const high = this.size(lanes.high)
    const normal = this.size(lanes.normal)
    const lane = high > 0 && (normal === 0 || this.streak < highPerNormal)
      ? lanes.high
      : lanes.normal
    this.streak = lane === lanes.high && normal > 0 ? this.streak + 1 : 0
    return this.returned[lane].shift() ?? this.fresh[lane].shift()
  }

  /** Takes out, each queue in its order, what `leaves` says; what is gone is dropped. */
  takeOut(leaves: (delivery: Pending) => boolean): Waiting {
    const queue = (from: Fifo<Pending>): Array<Pending> => {
      const all = from.takeAll().filter(isThere)
      const leaving = all.filter(leaves)
      if (leaving.length === 0) all.forEach((delivery) => from.push(delivery))
      else {
        const gone = new Set(leaving)
        all.forEach((delivery) => gone.has(delivery) || from.push(delivery))
      }
      return leaving
    }
    return {
      fresh: [queue(this.fresh[0]), queue(this.fresh[1])],
      returned: [queue(this.returned[0]), queue(this.returned[1])]
    }
  }

  /** Lets in what waited elsewhere: between what waits here by age, each side in its own order. */
  letIn({ fresh, returned }: Waiting): void {
    for (const lane of [lanes.high, lanes.normal]) {
      mergeInto(this.fresh[lane], fresh[lane])
      mergeInto(this.returned[lane], returned[lane])
    }
  }
}
