/**
 * Where a message stands: its place, and each of its deliveries.
 */
import type { Message } from "../domain/Message.ts"

/** Where a message stands for one subscription. */
export interface DeliveryStatus {
  readonly subscription: string
  readonly state: "pending" | "inFlight" | "waitingRetry" | "parked" | "settled" | "deadLettered"
  readonly attempts: number
}

/** Where a message is. */
export interface MessageStatus {
  readonly message: Message
  readonly shard: number
  /** `delayed`: it waits for its time, and nobody can see it yet. */
  readonly state: "delayed" | "stored"
  readonly deliveries: ReadonlyArray<DeliveryStatus>
}
