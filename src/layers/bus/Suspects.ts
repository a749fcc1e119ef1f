/**
 * Suspects: deliveries to handlers that were running when a process was lost.
 *
 * One of them may have ended it. So they run one at a time, until each is settled: the next loss
 * then counts against one message only. The turn passes on with every attempt, or a suspect that
 * waits for its retry and one that holds its key would wait for each other. Source: design, P2.
 */
import type { Core } from "./Core.ts"
import { Fifo } from "./Fifo.ts"
import { type Pending, state } from "./Pending.ts"

/**
 * Whether a delivery to a handler may have ended the last process: it was handed out there, and
 * that process did not close the log.
 */
export const isSuspect = (
  { log }: Pick<Core, "log">,
  { attempts, consumer, entry }: Pending
): boolean => attempts > 0 && consumer.handler !== undefined && !log.wasClean(entry.partition)

/** Who runs alone and who waits for it; those that wait keep their key. */
export class Suspects {
  private alone: Pending | undefined = undefined
  private readonly waiting = new Fifo<Pending>()

  /** Whether a suspect may run now; otherwise it waits here. */
  admit(delivery: Pending): boolean {
    if (this.alone === undefined || isGone(this.alone)) this.alone = delivery
    if (this.alone === delivery) return true
    this.waiting.push(delivery)
    return false
  }

  /** An attempt of a suspect ended; returns the one whose turn it is. */
  leave(delivery: Pending): Pending | undefined {
    if (this.alone !== delivery) return undefined
    this.alone = undefined
    // Those that ended while they waited are passed over.
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (isGone(next)) continue // Ended while it waited.
      this.alone = next
      return next
    }
    return undefined
  }
}

const isGone = (delivery: Pending): boolean =>
  delivery.state === state.settled || delivery.consumer.closed
