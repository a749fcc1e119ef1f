/**
 * The bus as the benchmark embeds it: one handler that counts, and a way to wait for it.
 */
import { Effect, Layer, ManagedRuntime, Result } from "effect"
import { CodeFactory, type EmbeddedOptions, layer } from "../src/CodeFactory.ts"
import { payloadOf, topicOf } from "./Payloads.ts"

/** A running bus. Every method runs on one runtime, built before the first measurement. */
export interface Embedded {
  /** Publishes messages `from` to `to`, one call each, at most `inFlight` at a time. */
  readonly publishEach: (
    from: number,
    to: number,
    inFlight: number,
    latencies?: Float64Array
  ) => Promise<void>
  /** Publishes messages `from` to `to` in one call. */
  readonly publishMany: (from: number, to: number) => Promise<void>
  /** Resolves once the handler has run for `count` messages since the bus started. */
  readonly handled: (count: number) => Promise<void>
  /** How many messages the handler has run for. */
  readonly count: () => number
  readonly close: () => Promise<void>
}

/** Starts a bus with a handler for all topics of the benchmark, or for those of a pattern. */
export const openEmbedded = async (
  options: EmbeddedOptions,
  handled = "bench.>",
  over: Layer.Layer<CodeFactory, unknown> = layer(options)
): Promise<Embedded> => {
  const counter = new Counter()
  const attached = Layer.effectDiscard(
    CodeFactory.use(({ handle }) => handle("bench", handled, counter.handle))
  )
  const runtime = ManagedRuntime.make(attached.pipe(Layer.provideMerge(over)))
  const { publish, publishMany } = await runtime.runPromise(CodeFactory)
  return {
    publishEach: (from, to, inFlight, latencies) => {
      const one = (index: number) => {
        const started = performance.now()
        return Effect.map(publish(topicOf(index), payloadOf(index)), () => {
          if (latencies !== undefined) latencies[index - from] = performance.now() - started
        })
      }
      // Loops, as of the peers. A fibre per message, which `forEach` starts, is measured with it.
      const next = { index: from }
      const publisher = Effect.whileLoop({
        while: () => next.index < to,
        body: () => one(next.index++),
        step: () => {}
      })
      return runtime.runPromise(
        Effect.all(Array.from({ length: inFlight }, () => publisher), {
          concurrency: inFlight,
          discard: true
        })
      )
    },
    publishMany: async (from, to) => {
      const items = range(from, to).map((index) => ({
        topic: topicOf(index),
        payload: payloadOf(index)
      }))
      const refused = (await runtime.runPromise(publishMany(items))).find(Result.isFailure)
      if (refused !== undefined) throw refused.failure
    },
    handled: (count) => counter.reached(count),
    count: () => counter.count,
    close: () => runtime.dispose()
  }
}

/** Counts handler runs and tells when there were enough. */
class Counter {
  count = 0
  private target = Number.POSITIVE_INFINITY
  private done = () => {}

  /** The handler: as little work as there can be. */
  readonly handle = (): Effect.Effect<void> => this.counted

  /** Resolves once `count` runs were counted. */
  reached(count: number): Promise<void> {
    if (this.count >= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.target = count
      this.done = resolve
    })
  }

  private readonly counted = Effect.sync(() => {
    this.count++
    if (this.count === this.target) this.done()
  })
}

const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from }, (_, index) => from + index)
