/**
 * The bus as the benchmark embeds it, and loops that publish to it.
 */
import { Effect, Layer, ManagedRuntime, type Scope } from "effect"
import { CodeFactory, type EmbeddedOptions, layer } from "../src/CodeFactory.ts"
import type { Draft } from "../src/domain/Message.ts"
import {
  optionsDefault,
  type SubscriptionMode,
  SubscriptionName
} from "../src/domain/Subscription.ts"
import type { TopicName } from "../src/domain/Topic.ts"
import { TopicPattern } from "../src/domain/TopicPattern.ts"
import type { Latencies } from "./Latencies.ts"

/** The service of an embedded bus. */
export type Bus = CodeFactory["Service"]

/** A running bus, on a runtime of its own. */
export interface Embedded {
  readonly bus: Bus
  readonly run: <A>(effect: Effect.Effect<A, unknown>) => Promise<A>
  readonly close: () => Promise<void>
}

/** Starts a bus, and attaches what belongs to it. */
export const openEmbedded = async (
  options: EmbeddedOptions,
  attach: (bus: Bus) => Effect.Effect<unknown, unknown, Scope.Scope> = () => Effect.void,
  over: Layer.Layer<CodeFactory, unknown> = layer(options)
): Promise<Embedded> => {
  const attached = Layer.effectDiscard(CodeFactory.use(attach))
  const runtime = ManagedRuntime.make(attached.pipe(Layer.provideMerge(over)))
  const bus = await runtime.runPromise(CodeFactory)
  return { bus, run: (effect) => runtime.runPromise(effect), close: () => runtime.dispose() }
}

/** A handler of values for a pattern: as the bus is used. */
export const handleValues = (pattern: string, handled: (value: unknown) => void) => (bus: Bus) =>
  bus.handle("bench", pattern, (value) => Effect.sync(() => handled(value)))

/** A handler that gets the text of its message, which nobody parses. */
export const handleTexts = (
  pattern: string,
  handled: (text: string) => void,
  { mode = "compete", name = "bench" }: { name?: string; mode?: SubscriptionMode } = {}
) =>
({ bus }: Bus) =>
  bus.handle(
    SubscriptionName.make(name),
    { ...optionsDefault, mode, topic: TopicPattern.make(pattern) },
    ({ message }) => Effect.sync(() => handled(message.payload))
  )

/** The draft of a text. */
export const draftOfText = (topic: TopicName, payload: string): Draft => ({
  topic,
  payload,
  payloadBytes: Buffer.byteLength(payload),
  priority: 0,
  key: undefined,
  idempotencyKey: undefined,
  headers: undefined,
  contentType: undefined,
  traceparent: undefined,
  deliverAt: undefined,
  expiresAt: undefined,
  context: undefined
})

/**
 * Runs `publish` for each index of a range, at most `inFlight` at a time.
 *
 * Loops, as of the peers. A fibre per message, which `forEach` starts, is measured with it.
 */
export const publishEach = (
  from: number,
  to: number,
  inFlight: number,
  publish: (index: number) => Effect.Effect<unknown, unknown>
): Effect.Effect<void, unknown> => {
  const next = { index: from }
  const publisher = Effect.whileLoop({
    while: () => next.index < to,
    body: () => publish(next.index++),
    step: () => {}
  })
  if (inFlight === 1) return publisher
  const publishers = Array.from({ length: inFlight }, () => publisher)
  return Effect.all(publishers, { concurrency: inFlight, discard: true })
}

/** The same publish, its latency recorded. */
export const withLatency = (
  latencies: Latencies,
  publish: (index: number) => Effect.Effect<unknown, unknown>
) =>
(index: number): Effect.Effect<void, unknown> => {
  const started = performance.now()
  return Effect.map(publish(index), () => latencies.record(performance.now() - started))
}
