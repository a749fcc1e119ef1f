/**
 * The log entry: a message at its place in the log.
 */
import type { Message } from "../domain/Message.ts"
import type { Lane } from "../domain/Priority.ts"

/**
 * A message at its place in the log.
 *
 * `offset` is -1 until the log commits the entry and sets it. `pending` counts deliveries that are
 * not settled; the bus keeps it, and a log that need not survive a restart forgets an entry at 0.
 * Mutable on purpose: one object per message from publish to settlement (hot path).
 */
export interface LogEntry {
  readonly message: Message
  /** Payload and headers in bytes, as the limits count them. */
  readonly bytes: number
  readonly partition: number
  readonly lane: Lane
  /** `partition * 2 + lane`. */
  readonly logLane: number
  /** Tells bodies under one idempotency key apart; present when there is one, or content is. */
  readonly fingerprint: string | undefined
  offset: number
  pending: number
}
