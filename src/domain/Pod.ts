/**
 * Pods: processes that serve one bus together, as they are shown to operators.
 */
import type { Snapshot } from "./Snapshot.ts"

/** One pod, as another one knows it. */
export interface PodState {
  /** Its name among the pods; `local` where there is one. */
  readonly pod: string
  /** Where other pods reach it. */
  readonly address?: string | undefined
  readonly version?: string | undefined
  /** Unix milliseconds. */
  readonly startedAt?: number | undefined
  /** Milliseconds since it last said that it is there. */
  readonly seenMs?: number | undefined
  /** Its live state; `undefined` when it does not answer. */
  readonly snapshot: Snapshot | undefined
  /** Why it does not. */
  readonly detail?: string | undefined
}

/**
 * What a pod has to do: deliveries of its handlers that are not settled, the backlog in the log
 * among them, and those that others have pulled.
 */
export const loadOf = ({ subscriptions }: Snapshot): number =>
  subscriptions.reduce(
    (sum, { consumer, inFlight, pending }) => sum + (consumer === "Handler" ? pending : inFlight),
    0
  )
