/**
 * Counts of a Redis: commands by name, failures, the breaker and the connection.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Buckets } from "./Buckets.ts"
import { histogram, one, type Sampled } from "./Samples.ts"

/** What happens to commands. Mutable on purpose: written for every one. */
export class RedisCounts {
  /** Milliseconds to the answer, by name. */
  readonly commands = new Map<string, Buckets>()
  /** Commands that failed, by reason. */
  readonly failures = new Map<string, number>()
  /** Keys under which somebody else had written. */
  quarantined = 0
  /** Accepted idempotency keys that Redis could not be told of in time. */
  keysForgotten = 0
  /** Requests that were limited by this pod alone, because Redis did not answer. */
  localTakes = 0
  /** Signals between pods: said, dropped unsaid, heard, and known to have been missed. */
  readonly signals = { sent: 0, dropped: 0, heard: 0, missed: 0 }
  circuit: () => "Closed" | "HalfOpen" | "Open" = () => "Closed"
  /** `undefined` while there is no Redis. */
  isConnected: (() => boolean) | undefined = undefined

  /** The times of a command. */
  command(name: string): Buckets {
    const known = this.commands.get(name)
    if (known !== undefined) return known
    const made = new Buckets()
    this.commands.set(name, made)
    return made
  }

  /** Notes a failure. */
  failed(reason: string): void {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1)
  }
}

/** The counts of whoever runs. */
export const redisCounts = Context.Reference<RedisCounts>(
  "codefactory/layers/observe/RedisCounts",
  { defaultValue: () => new RedisCounts() }
)

/** Counts of one program alone. */
export const layer: Layer.Layer<never> = Layer.effect(
  redisCounts,
  Effect.sync(() => new RedisCounts())
)

const circuits = { Closed: 0, HalfOpen: 0.5, Open: 1 } as const

/** The series; none without a Redis. */
export const redisSeries = (counts: RedisCounts): ReadonlyArray<Sampled> => {
  if (counts.isConnected === undefined) return []
  return [
    {
      name: "redis_connected",
      help: "1 while Redis can be asked",
      type: "gauge",
      samples: one(counts.isConnected() ? 1 : 0)
    },
    {
      name: "redis_circuit_open",
      help: "1 while nothing is sent, 0.5 while one tries",
      type: "gauge",
      samples: one(circuits[counts.circuit()])
    },
    {
      name: "redis_command_duration_seconds",
      help: "From sending a command to its answer",
      type: "histogram",
      samples: [...counts.commands].flatMap(([command, times]) =>
        histogram(times.snapshot(), { command })
      )
    },
    {
      name: "redis_quarantined_total",
      help: "Keys that were set aside because somebody else had written there",
      type: "counter",
      samples: one(counts.quarantined)
    },
    {
      name: "redis_keys_forgotten_total",
      help: "Accepted idempotency keys that Redis could not be told of in time",
      type: "counter",
      samples: one(counts.keysForgotten)
    },
    {
      name: "rate_limit_local_total",
      help: "Requests limited by this pod alone, by its share, because Redis did not answer",
      type: "counter",
      samples: one(counts.localTakes)
    },
    {
      name: "redis_signals_total",
      help: "Signals between pods: sent, dropped unsent, heard, and missed",
      type: "counter",
      samples: Object.entries(counts.signals).map(([fate, value]) => ({ labels: { fate }, value }))
    },
    {
      name: "redis_failures_total",
      help: "Commands that failed",
      type: "counter",
      samples: [...counts.failures].map(([reason, value]) => ({ labels: { reason }, value }))
    }
  ]
}
