/**
 * Counts of the audit trail: lines written, decisions dropped for want of room, failed writes.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { one, type Sampled } from "./Samples.ts"

/** What became of decisions. Mutable: written with each batch. */
export class AuditCounts {
  written = 0
  dropped = 0
  failures = 0
}

/** The counts of whoever runs. */
export const auditCounts = Context.Reference<AuditCounts>(
  "codefactory/layers/observe/AuditCounts",
  { defaultValue: () => new AuditCounts() }
)

/** Counts of one program alone. */
export const layer: Layer.Layer<never> = Layer.effect(
  auditCounts,
  Effect.sync(() => new AuditCounts())
)

/** The series. */
export const auditSeries = (counts: AuditCounts): ReadonlyArray<Sampled> => [
  {
    name: "message_bus_audit_lines_total",
    help: "Decisions that were written to the audit trail",
    type: "counter",
    samples: one(counts.written)
  },
  {
    name: "message_bus_audit_dropped_total",
    help: "Decisions that the audit trail had no room for",
    type: "counter",
    samples: one(counts.dropped)
  },
  {
    name: "message_bus_audit_failures_total",
    help: "Writes of the audit trail that failed and are tried again",
    type: "counter",
    samples: one(counts.failures)
  }
]
