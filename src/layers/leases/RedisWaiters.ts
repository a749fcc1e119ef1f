/**
 * Those who wait for leases in this process, and what they are told.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Listener } from "../drivers/redis/Listening.ts"

/** A grant, as far as Redis knows it. */
export interface Granted {
  readonly fencingToken: number
  /** Unix milliseconds, by the clock of the server. */
  readonly expiresAt: number
}

/** Most who wait in one process. */
export const waitersMax = 10_000

/** One who waits. `turn` is done with its grant, or with nothing when it had better ask. */
export interface Waiter {
  readonly id: string
  turn: Deferred.Deferred<Granted | undefined>
}

/** What a waiter is told: who, the token, and the end. */
const decodeTurn = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Tuple([Schema.String, Schema.String, Schema.String]))
)

/** Those who wait in this process. Mutable: one entry for each. */
export class Waiting implements Listener {
  private readonly waiters = new Map<string, Waiter>()
  private readonly pod: string
  private count = 0

  constructor(pod: string) {
    this.pod = pod
  }

  /** One more, unless there are too many. */
  add(): Waiter | undefined {
    if (this.waiters.size >= waitersMax) return undefined
    const id = `${this.pod}/${++this.count}`
    const waiter: Waiter = { id, turn: Deferred.makeUnsafe() }
    this.waiters.set(waiter.id, waiter)
    return waiter
  }

  /** It waits no more. */
  remove({ id }: Waiter): void {
    this.waiters.delete(id)
  }

  readonly said = (text: string): void => {
    const turn = decodeTurn(text)
    if (turn._tag === "None") return
    const [id, token, end] = turn.value
    const waiter = this.waiters.get(id)
    if (waiter === undefined) return
    const granted = { fencingToken: Number(token), expiresAt: Number(end) }
    Deferred.doneUnsafe(waiter.turn, Effect.succeed(granted))
  }

  /** Everybody asks again. */
  readonly missed = (): void => {
    for (const { turn } of this.waiters.values()) Deferred.doneUnsafe(turn, Effect.undefined)
  }
}
