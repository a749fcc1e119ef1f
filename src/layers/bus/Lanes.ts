/**
 * The two lanes of a place where deliveries wait: high first, one normal for every eight high.
 *
 * What comes back (a retry, the next of a key) goes before what never went out: it is older.
 */
import { highPerNormal, type Lane, lanes } from "../../domain/Priority.ts"
import { Fifo } from "./Fifo.ts"
import { type Pending, state } from "./Pending.ts"

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

  /** The next delivery that is neither settled meanwhile nor of a consumer that is gone. */
  take(): Pending | undefined {
    for (let found = this.shift(); found !== undefined; found = this.shift()) { // Skips the gone.
      if (found.state !== state.settled && !found.consumer.closed) return found
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

  /** Forgets everything that waits. */
  clear(): void {
    for (const lane of [lanes.high, lanes.normal]) {
      this.fresh[lane].clear()
      this.returned[lane].clear()
    }
  }
}
