/**
 * What deduplication may accept: one message under a key, for its time from the first acceptance.
 */
import type { Message } from "../../src/domain/Message.ts"
import type { ClaimLimits } from "../../src/layers/bus/Deduplication.ts"
import type { Breach } from "./LogModel.ts"

interface Claim {
  readonly id: string
  readonly at: number
  /** How many keys had been accepted before. */
  readonly number: number
}

/** The keys of one run, over all its processes. */
export class ClaimModel {
  private readonly breach: Breach
  private readonly limits: ClaimLimits
  private readonly claims = new Map<string, Claim>()
  private count = 0

  constructor(breach: Breach, limits: ClaimLimits) {
    this.breach = breach
    this.limits = limits
  }

  /** A message with a key was accepted. */
  accepted({ id, idempotencyKey, key, publishedAt, topic }: Message): void {
    const scope = JSON.stringify([topic, key, idempotencyKey])
    const first = this.claims.get(scope)
    if (first?.id === id) return
    if (first !== undefined && this.isKnown(first, publishedAt)) {
      this.breach(4, `two messages under ${scope}: ${first.id} and ${id}`)
    }
    this.claims.set(scope, { id, at: publishedAt, number: this.count++ })
  }

  /** A publisher was told that it repeats this message. */
  repeated(id: string, now: number): void {
    const first = [...this.claims.values()].find((claim) => claim.id === id)
    if (first === undefined) return this.breach(4, `a repeat of ${id}, which is not the first`)
    if (now - first.at >= this.limits.ttlMs) this.breach(4, `a repeat of ${id} after its time`)
  }

  /** The oldest eighth goes when there is no room. */
  private isKnown({ at, number }: Claim, now: number): boolean {
    const { keysMax, ttlMs } = this.limits
    return now - at < ttlMs &&
      this.count - number <= keysMax - Math.ceil(keysMax / 8)
  }
}
