/**
 * Counts of scaling: steps up and down, of shards and of the workers of one.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Sampled } from "./Samples.ts"

/** What was scaled, and where to. */
export type Step = "shards up" | "shards down" | "workers up" | "workers down"

/** The steps so far. Mutable: written with each. */
export class ScaleCounts {
  readonly steps: Record<Step, number> = {
    "shards up": 0,
    "shards down": 0,
    "workers up": 0,
    "workers down": 0
  }
}

/** The counts of whoever runs. */
export const scaleCounts = Context.Reference<ScaleCounts>(
  "codefactory/layers/observe/ScaleCounts",
  { defaultValue: () => new ScaleCounts() }
)

/** Counts of one program alone. */
export const layer: Layer.Layer<never> = Layer.effect(
  scaleCounts,
  Effect.sync(() => new ScaleCounts())
)

/** The series. */
export const scaleSeries = ({ steps }: ScaleCounts): ReadonlyArray<Sampled> => [{
  name: "message_bus_scale_steps_total",
  help: "Shards, or workers of a shard, that scaling has added and removed, in steps",
  type: "counter",
  samples: Object.entries(steps).map(([step, value]) => {
    const [what = "", direction = ""] = step.split(" ")
    return { labels: { what, direction }, value }
  })
}]
