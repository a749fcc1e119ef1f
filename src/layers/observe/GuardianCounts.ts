/**
 * Counts of the guardian: alerts that were raised, healings, and webhooks that did not arrive.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { one, type Sampled } from "./Samples.ts"

/** What the guardian did. Mutable: written with each. */
export class GuardianCounts {
  /** Alerts by the kind of component, and those that last. */
  readonly alerts = new Map<string, number>()
  alerted = 0
  healings = 0
  webhookFailures = 0

  /** Notes an alert; shards count together. */
  alert(component: string): void {
    const kind = component.replace(/ \d+$/, "")
    this.alerts.set(kind, (this.alerts.get(kind) ?? 0) + 1)
  }
}

/** The counts of whoever runs. */
export const guardianCounts = Context.Reference<GuardianCounts>(
  "codefactory/layers/observe/GuardianCounts",
  { defaultValue: () => new GuardianCounts() }
)

/** Counts of one program alone. */
export const layer: Layer.Layer<never> = Layer.effect(
  guardianCounts,
  Effect.sync(() => new GuardianCounts())
)

/** The series. */
export const guardianSeries = (counts: GuardianCounts): ReadonlyArray<Sampled> => [
  {
    name: "message_bus_guardian_alerts_total",
    help: "Alerts of the guardian",
    type: "counter",
    samples: ["shard", "event loop", "memory", "log", "fibres", "handlers"].map((component) => ({
      labels: { component },
      value: counts.alerts.get(component) ?? 0
    }))
  },
  {
    name: "message_bus_guardian_alerted",
    help: "Components that the guardian holds for broken now",
    type: "gauge",
    samples: one(counts.alerted)
  },
  {
    name: "message_bus_guardian_healings_total",
    help: "Tries of the guardian to mend something",
    type: "counter",
    samples: one(counts.healings)
  },
  {
    name: "message_bus_guardian_webhook_failures_total",
    help: "Alerts that the webhook did not take, after all tries",
    type: "counter",
    samples: one(counts.webhookFailures)
  }
]
