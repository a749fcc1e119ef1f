/**
 * Deduplication: which idempotency keys were used, for an hour from their first acceptance.
 *
 * Accepted keys stand in generations, in the order of acceptance: each an eighth of the capacity or
 * of the time to live, whichever comes first. A generation is forgotten as a whole, so inserting
 * and forgetting cost the same at a million keys as at ten; no key is iterated over or deleted.
 *
 * The log is the authority: a key and its message share one commit, and keys are read back at the
 * start. So a claim that never completed, because the commit failed or the process ended meanwhile,
 * needs no repair: after a restart the key is taken exactly when its message is in the log.
 */
import { contentScopeOf, isClaimed, scopeOf } from "../../domain/IdempotencyKey.ts"
import type { Claim } from "../../services/MessageLog.ts"

/** What is kept of idempotency keys. */
export interface ClaimLimits {
  /** Most accepted keys in memory. */
  readonly keysMax: number
  /** Milliseconds from the first acceptance. */
  readonly ttlMs: number
}

/** A key in use: accepted before, or on its way into the log now. */
export type Known =
  | {
    readonly state: "Accepted"
    readonly fingerprint: string
    readonly id: string
    readonly at: number
  }
  | { readonly state: "InFlight"; readonly fingerprint: string }

type AcceptedKey = Extract<Known, { state: "Accepted" }>

/** The scope a stored claim counts in; without an idempotency key its content was the key. */
export const scopeOfClaim = ({ fingerprint, idempotencyKey, key, topic }: Claim): string =>
  idempotencyKey === undefined
    ? contentScopeOf(topic, key, fingerprint)
    : scopeOf(topic, key, idempotencyKey)

/** Parts of capacity and time to live. More forget less at once; each costs a look-up. */
const generationsPart = 8

/** Keys accepted one after the other. */
class Generation {
  readonly keys = new Map<string, AcceptedKey>()
  /** When they were accepted, ascending: tells without iterating how many expired. */
  readonly times: Array<number> = []

  get first(): number {
    return this.times[0] ?? Number.POSITIVE_INFINITY
  }

  get last(): number {
    return this.times[this.times.length - 1] ?? Number.NEGATIVE_INFINITY
  }

  /** How many of its keys were accepted at or before `at`. */
  countUntil(at: number): number {
    let low = 0 // The bounds of a binary search.
    let high = this.times.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.times[middle] ?? 0) <= at) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The keys in use. Mutable on purpose: it changes with every message that has one. */
export class Deduplication {
  /** Keys forgotten before their time because there were too many. */
  forgotten = 0
  /** Keys held, expired ones included until their generation goes. */
  size = 0

  readonly limits: ClaimLimits
  private readonly generations: Array<Generation> = [new Generation()]
  /** Publishes on their way, by scope: as many as are in flight, and never forgotten. */
  private readonly flights = new Map<string, Extract<Known, { state: "InFlight" }>>()

  /** Throws when a limit is not above 0: whoever builds the bus made a mistake. */
  constructor(limits: ClaimLimits, claims: ReadonlyArray<Claim>) {
    for (const [name, value] of Object.entries(limits)) {
      if (!(value > 0)) throw new RangeError(`${name} must be above 0, not ${value}`)
    }
    this.limits = limits
    this.recover(claims)
  }

  /** Takes up keys that were accepted by a former process, or by another one. */
  recover(claims: ReadonlyArray<Claim>): void {
    // Those of delayed messages are not in the order in which their messages entered the log.
    for (const claim of claims.toSorted((a, b) => a.acceptedAt - b.acceptedAt)) {
      this.put(scopeOfClaim(claim), {
        state: "Accepted",
        fingerprint: claim.fingerprint,
        id: claim.id,
        at: claim.acceptedAt
      })
    }
  }

  /** Publishes under a key that are on their way into the log. */
  get inFlight(): number {
    return this.flights.size
  }

  /** What is known of a key, if it still counts at `now`. */
  find(scope: string, now: number): Known | undefined {
    const flight = this.flights.get(scope)
    if (flight !== undefined) return flight
    this.expire(now)
    const { generations } = this
    for (let at = generations.length - 1; at >= 0; at--) { // Hot: no closure per look-up.
      const known = generations[at]?.keys.get(scope)
      if (known !== undefined) {
        return isClaimed(known.at, now, this.limits.ttlMs) ? known : undefined
      }
    }
    return undefined
  }

  /** A publish under this key began. */
  begin(scope: string, fingerprint: string): void {
    this.flights.set(scope, { state: "InFlight", fingerprint })
  }

  /** It was accepted. */
  accept(scope: string, fingerprint: string, id: string, at: number): void {
    this.flights.delete(scope)
    this.put(scope, { state: "Accepted", fingerprint, id, at })
  }

  /** It was refused, so the key is free again. */
  release(scope: string): void {
    this.flights.delete(scope)
  }

  private put(scope: string, key: AcceptedKey): void {
    const { keysMax } = this.limits
    this.expire(key.at)
    const current = this.current(key.at)
    // A clock that steps back must not unsort the times; the key itself keeps its own.
    const time = Math.max(key.at, current.last)
    if (current.keys.has(scope)) current.times[current.times.length - 1] = time
    else {
      if (this.size >= keysMax) this.forgetOldest(key.at)
      current.times.push(time)
      this.size++
    }
    current.keys.set(scope, key)
  }

  /** The generation that takes a key accepted at `at`. */
  private current(at: number): Generation {
    const { keysMax, ttlMs } = this.limits
    const last = this.generations[this.generations.length - 1]
    const isOpen = last !== undefined &&
      last.times.length < Math.ceil(keysMax / generationsPart) &&
      (last.times.length === 0 || at - last.first < ttlMs / generationsPart)
    if (isOpen) return last
    const next = new Generation()
    this.generations.push(next)
    return next
  }

  /** Lets go of generations in which nothing counts any more. */
  private expire(now: number): void {
    for (let oldest = this.generations[0]; oldest !== undefined; oldest = this.generations[0]) {
      if (oldest.times.length === 0 || isClaimed(oldest.last, now, this.limits.ttlMs)) return
      this.size -= oldest.times.length
      this.generations.shift()
    }
  }

  private forgetOldest(now: number): void {
    const oldest = this.generations.shift()
    if (oldest === undefined) return
    const { length } = oldest.times
    this.size -= length
    this.forgotten += length - oldest.countUntil(now - this.limits.ttlMs)
  }
}
