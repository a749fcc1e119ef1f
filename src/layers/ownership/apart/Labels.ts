/**
 * Ack ids that tell which pod has handed something out, where each has a log of its own.
 */
import type { LeasedDelivery } from "../../../services/MessageBus.ts"

/** Between the name of the pod and the ack id that it knows; neither has it. */
const mark = "~"

/** An ack id as clients get it. */
export const labelOf = (pod: string, ackId: string): string => `${pod}${mark}${ackId}`

/** Deliveries as clients get them. */
export const labelled = (
  pod: string,
  deliveries: ReadonlyArray<LeasedDelivery>
): ReadonlyArray<LeasedDelivery> =>
  deliveries.map((one) => ({ ...one, ackId: labelOf(pod, one.ackId) }))

/** The pod and its ack id, or `undefined` for what is neither. */
export const partsOf = (
  label: string
): { readonly pod: string; readonly ackId: string } | undefined => {
  const at = label.lastIndexOf(mark)
  return at < 1 ? undefined : { pod: label.slice(0, at), ackId: label.slice(at + 1) }
}
