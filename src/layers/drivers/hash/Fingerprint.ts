/**
 * Fingerprints of message bodies.
 */
import { createHash } from "node:crypto"
import { bodyOf } from "../../../domain/IdempotencyKey.ts"
import type { Draft } from "../../../domain/Message.ts"

/** Tells bodies apart: a hash of payload, priority and headers. */
export const fingerprintOf = (draft: Draft): string => {
  const [head, payload] = bodyOf(draft)
  return createHash("sha256").update(head).update(payload).digest("base64url")
}
