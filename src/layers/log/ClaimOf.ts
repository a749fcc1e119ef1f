/**
 * The claim that a stored message stands for.
 *
 * Imports nothing of the program: the store's thread uses it and must start fast.
 */
import type { Claim, LogEntry } from "../../services/MessageLog.ts"

/** The claim of an entry or a delayed message that has one. */
export const claimOf = (
  entry: Pick<LogEntry, "message" | "fingerprint"> | undefined
): Claim | undefined => {
  if (entry?.fingerprint === undefined) return undefined
  const { id, idempotencyKey, key, publishedAt, topic } = entry.message
  return { topic, key, idempotencyKey, fingerprint: entry.fingerprint, id, acceptedAt: publishedAt }
}
