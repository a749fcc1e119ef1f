/**
 * Counts of a pod among others: what it has, and what it sends and runs for them.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { one, type Sampled } from "./Samples.ts"

/** What one pod does. Mutable on purpose: written for every message that is forwarded. */
export class PodCounts {
  /** Partitions that it has, and how often it took over and gave back one. */
  owned = 0
  taken = 0
  given = 0
  /** Other pods that it knows. */
  peers = 0
  /** Messages sent to their owners, those sent again, and those without an answer. */
  forwarded = 0
  forwardedAgain = 0
  forwarding = 0
  /** Runs of handlers for other pods. */
  relayed = 0
}

/** The counts of whoever runs. */
export const podCounts = Context.Reference<PodCounts>("codefactory/layers/observe/PodCounts", {
  defaultValue: () => new PodCounts()
})

/** Counts of one program alone. */
export const layer: Layer.Layer<never> = Layer.effect(
  podCounts,
  Effect.sync(() => new PodCounts())
)

/** The series. */
export const podSeries = (counts: PodCounts): ReadonlyArray<Sampled> => {
  const series = (type: "counter" | "gauge", name: string, help: string, value: number) => ({
    name: `message_bus_${name}`,
    help,
    type,
    samples: one(value)
  })
  return [
    series("gauge", "partitions_owned", "Partitions that this pod has", counts.owned),
    series("counter", "partitions_taken_total", "Partitions taken over", counts.taken),
    series("counter", "partitions_given_total", "Partitions given back", counts.given),
    series("gauge", "peers", "Other pods that are known", counts.peers),
    series("counter", "forwarded_total", "Messages sent to their owners", counts.forwarded),
    series(
      "counter",
      "forward_retries_total",
      "Messages sent again: the owner changed, or did not answer",
      counts.forwardedAgain
    ),
    series("gauge", "forwarding", "Messages sent without an answer yet", counts.forwarding),
    series("counter", "relayed_total", "Handlers run for other pods", counts.relayed)
  ]
}
