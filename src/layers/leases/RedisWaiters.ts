/**
 * Those who wait for leases in this process, and what they are told.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Listener } from "../drivers/redis/Listening.ts"

/** A grant, as far as Redis knows it. */
export interface Granted {
  readonly fencingToken: number
  /** Unix milliseconds, by the clock of the server. */
  readonly expiresAt: number
}

/** Most who wait in one process. */
export const waitersMax = 10_000

/** One who waits. Mutable: it may have to ask several times. */
export interface Waiter {
  readonly id: string
  /** Done with its grant, or with nothing when it had better ask. */
  turn: Deferred.Deferred<Granted | undefined>
  /** When it asks again by itself, in milliseconds. */
  askAt: number
}

/** How exact the times are at which they ask: one timer looks after all of them. */
const sweepEvery = Duration.millis(20)

/** Those who wait in this process. Mutable: one entry for each. */
export class Waiting implements Listener {
  private readonly waiters = new Map<string, Waiter>()
  private readonly some = Latch.makeUnsafe(false)
  private readonly pod: string
  private count = 0

  constructor(pod: string) {
    this.pod = pod
  }

  /** One more, unless there are too many. */
  add(): Waiter | undefined {
    if (this.waiters.size >= waitersMax) return undefined
    const id = `${this.pod}/${++this.count}`
    const waiter: Waiter = { id, turn: Deferred.makeUnsafe(), askAt: Infinity }
    this.waiters.set(id, waiter)
    this.some.openUnsafe()
    return waiter
  }

  /** It waits no more. */
  remove({ id }: Waiter): void {
    this.waiters.delete(id)
    if (this.waiters.size === 0) this.some.closeUnsafe()
  }

  /** Lets those ask whose time has come; never ends. */
  sweep(now: () => number): Effect.Effect<never> {
    const once = Effect.gen({ self: this }, function*() {
      yield* this.some.await
      yield* Effect.sleep(sweepEvery)
      const time = now()
      for (const waiter of this.waiters.values()) {
        if (waiter.askAt <= time) this.wake(waiter)
      }
    })
    return Effect.forever(once, { disableYield: true })
  }

  /** Who, the token and the end: it is its turn. */
  readonly said = (text: string): void => {
    const [id = "", token, end] = text.split(" ")
    const waiter = this.waiters.get(id)
    const granted = { fencingToken: Number(token), expiresAt: Number(end) }
    if (waiter === undefined || !Number.isSafeInteger(granted.fencingToken)) return
    Deferred.doneUnsafe(waiter.turn, Effect.succeed(granted))
  }

  /** Everybody asks again. */
  readonly missed = (): void => this.waiters.forEach((waiter) => this.wake(waiter))

  private wake(waiter: Waiter): void {
    waiter.askAt = Infinity
    Deferred.doneUnsafe(waiter.turn, Effect.undefined)
  }
}
