/**
 * `codefactory capacity`: how many pods a load needs, and of what size.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import {
  type Capacity,
  capacityExample,
  type CapacityInputs,
  capacityOf,
  profileOf
} from "../../domain/Capacity.ts"
import { make } from "./BusClient.ts"
import { apiKey, json, present, url } from "./Flags.ts"
import { print } from "./Output.ts"
import { grouped, table } from "./Table.ts"

const number = (name: string, minimum: number, description: string) =>
  Flag.Finite(name).pipe(
    Flag.filter(
      (value) => value >= minimum,
      (value) => `expected ${minimum} or more, not ${value}`
    ),
    Flag.withDescription(description),
    Flag.optional
  )

const given = {
  peakPerSecond: number("peak", 0, "Messages per second at the highest (1,000)"),
  margin: number("margin", 1, "So many times what that needs (1.5)"),
  shards: number("shards", 1, "Shards of a pod (8)"),
  workers: number("workers", 1, "Workers of a shard (4)"),
  processingMs: number("processing-ms", 0.001, "What a handler takes for a message (100 ms)"),
  queueMax: number("queue-max", 1, "Messages that a shard holds (10,000)"),
  messageBytes: number("message-bytes", 0, "Bytes of a message (1,000)"),
  coresPerWorker: number("cores-per-worker", 0, "Cores that a worker uses (0.05)"),
  coresBeside: number("cores-beside", 0, "Cores beside them (0.5)"),
  connections: number("connections", 0, "Connections of a pod to its database (70)")
}

const measured = Flag.Boolean("measured").pipe(
  Flag.withDescription("Take what is not given from a running bus (--url)"),
  Flag.withDefault(false)
)

/** What a bus plans with. */
const Planned = Schema.Struct({
  inputs: Schema.Record(Schema.String, Schema.Finite),
  measured: Schema.Array(Schema.String)
})

/** `codefactory capacity`. */
export const capacity = Command.make(
  "capacity",
  { ...given, measured, url, apiKey, json },
  ({ apiKey, json, measured, url, ...flags }) =>
    Effect.interruptible(Effect.gen(function*() {
      const own = present(flags)
      const seen = measured ? yield* seenBy({ url, apiKey }, own) : []
      const inputs: CapacityInputs = { ...capacityExample, ...Object.fromEntries(seen), ...own }
      const planned = capacityOf(inputs)
      yield* print(json ? JSON.stringify({ inputs, ...planned }) : screen(inputs, planned))
    }))
).pipe(Command.withDescription("Plan pods, cores and memory for a load, by the guide's formulas"))

/** What a running bus has measured, for what is not given. */
const seenBy = Effect.fnUntraced(function*(
  asked: Parameters<typeof make>[0],
  own: Readonly<Record<string, unknown>>
) {
  const bus = yield* make(asked)
  const { inputs, measured } = yield* bus.request(Planned, "GET", "/v1/capacity")
  return measured.flatMap((name) => name in own ? [] : [[name, inputs[name]] as const])
})

const screen = (inputs: CapacityInputs, planned: Capacity): string => {
  const { kafka, name, postgres, prometheus, redis } = profileOf(planned.pods)
  return [
    table(["", "VALUE", "BY"], [
      [
        "a pod gets done",
        `${rounded(planned.perSecond)} msg/s`,
        `${rounded(inputs.shards)} shards x ${rounded(inputs.workers)} workers / ` +
        `${rounded(inputs.processingMs / 1_000)} s`
      ],
      [
        "a pod holds",
        `${grouped(planned.held)} messages`,
        `${rounded(inputs.shards)} shards x ${grouped(inputs.queueMax)}, ` +
        `${rounded(planned.heldSeconds)} s of its share of the peak`
      ],
      [
        "pods",
        grouped(planned.pods),
        `${rounded(inputs.peakPerSecond)} msg/s / ${rounded(planned.perSecond)} x ` +
        rounded(inputs.margin)
      ],
      [
        "cores of a pod",
        rounded(planned.cores),
        `${rounded(inputs.shards * inputs.workers)} workers x ${inputs.coresPerWorker} + ` +
        `${inputs.coresBeside}`
      ],
      [
        "memory of a pod",
        `${rounded(planned.memoryBytes / 1e9)} GB`,
        `${grouped(planned.held)} x ${rounded(inputs.messageBytes)} B + workers + the rest`
      ],
      [
        "database connections",
        grouped(planned.connections),
        `${grouped(planned.pods)} pods x ${grouped(inputs.connections)}`
      ]
    ]),
    "",
    `bottleneck: ${planned.bottleneck.setting}; ${planned.bottleneck.advice}`,
    `size: ${name}; Redis: ${redis}; PostgreSQL: ${postgres}; Kafka: ${kafka}; ` +
    `Prometheus: ${prometheus}`
  ].join("\n")
}

/** To three figures, without zeros at the end. */
const rounded = (value: number): string =>
  value >= 1_000 ? grouped(value) : String(Number(value.toPrecision(3)))
