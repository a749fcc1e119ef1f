/**
 * Deduplication: which idempotency keys were used, for an hour from their first acceptance.
 *
 * Two generations of a map: inserting and forgetting cost the same at a million keys as at ten, and
 * no key is iterated over. The log stores the claims; they are read back at the start.
 */
import { createHash } from "node:crypto"
import type { Draft } from "../../domain/Message.ts"
import type { Claim } from "../../services/MessageLog.ts"

/** Life of a key in milliseconds. Source: guide, "Message deduplication" (3600 s). */
export const claimTtlMs = 3_600_000

/** Most keys in memory; beyond, the oldest half is forgotten and counted. Source: design, P4. */
export const claimsMax = 1_000_000

/** A key in use: accepted before, or on its way into the log now. */
export type Known =
  | {
    readonly state: "Accepted"
    readonly fingerprint: string
    readonly id: string
    readonly at: number
  }
  | { readonly state: "InFlight"; readonly fingerprint: string }

/** Tells bodies apart: payload, priority and headers. */
export const fingerprintOf = (draft: Draft): string =>
  createHash("sha256")
    .update(`${draft.priority}\0${draft.headers ?? ""}\0${draft.payload}`)
    .digest("base64url")

/** What a key is scoped by. JSON, because keys may contain any character. */
export const scopeOf = (topic: string, key: string | undefined, idempotencyKey: string): string =>
  JSON.stringify([topic, key ?? null, idempotencyKey])

/** The keys in use. */
export class Deduplication {
  private young = new Map<string, Known>()
  private old = new Map<string, Known>()
  private turnedAt: number
  /** Keys forgotten before their time because there were too many. */
  forgotten = 0

  constructor(claims: ReadonlyArray<Claim>, now: number) {
    this.turnedAt = now
    claims.forEach((claim) => {
      this.young.set(scopeOf(claim.topic, claim.key, claim.idempotencyKey), {
        state: "Accepted",
        fingerprint: claim.fingerprint,
        id: claim.id,
        at: claim.acceptedAt
      })
    })
  }

  /** How many keys are held. */
  get size(): number {
    return this.young.size + this.old.size
  }

  /** What is known of a key, if it still counts at `now`. */
  find(scope: string, now: number): Known | undefined {
    const known = this.young.get(scope) ?? this.old.get(scope)
    return known?.state === "Accepted" && now - known.at >= claimTtlMs ? undefined : known
  }

  /** A publish under this key began. */
  begin(scope: string, fingerprint: string, now: number): void {
    this.turn(now)
    this.young.set(scope, { state: "InFlight", fingerprint })
  }

  /** It was accepted. */
  accept(scope: string, fingerprint: string, id: string, now: number): void {
    this.forget(scope)
    this.young.set(scope, { state: "Accepted", fingerprint, id, at: now })
  }

  /** It was refused, so the key is free again. */
  forget(scope: string): void {
    this.young.delete(scope)
    this.old.delete(scope)
  }

  private turn(now: number): void {
    const full = this.young.size >= claimsMax / 2
    if (!full && now - this.turnedAt < claimTtlMs) return
    if (full) this.forgotten += this.old.size
    this.old = this.young
    this.young = new Map()
    this.turnedAt = now
  }
}
