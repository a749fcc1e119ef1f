/**
 * The control of a bus: loops that look at it and change it, for as long as it is there.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import process from "node:process"
import { MessageBus } from "../../services/MessageBus.ts"
import { guardianCounts } from "../observe/GuardianCounts.ts"
import { scaleCounts } from "../observe/ScaleCounts.ts"
import * as Alerting from "./Alerting.ts"
import * as Guardian from "./Guardian.ts"
import * as Lag from "./Lag.ts"
import * as Scaling from "./Scaling.ts"

/** Wait before a loop that a bug has ended is started again. */
const restartAfter = "1 second"

/** Scales the bus that is provided. */
export const scaled = (
  options: Scaling.ScalingOptions
): Layer.Layer<never, never, MessageBus> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const { shards, watching } = yield* MessageBus
    const scaling = yield* Scaling.make(
      {
        look: watching.shards,
        change: shards,
        decide: watching.decide,
        counts: yield* scaleCounts
      },
      options
    )
    yield* watching.onGateClosed(scaling.pressed)
    yield* Effect.forkScoped(kept("scaling", scaling.run))
  }))

/** What the guardian of a process is told. */
export interface GuardedOptions extends Guardian.GuardianOptions {
  readonly webhook: Redacted.Redacted | undefined
  /** Memory that the process may use. */
  readonly usableBytes: number
}

/** Guards the bus that is provided. */
export const guarded = (options: GuardedOptions): Layer.Layer<never, never, MessageBus> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const { watching } = yield* MessageBus
    const counts = yield* guardianCounts
    const lag = yield* Lag.make
    const { usableBytes, webhook: url } = options
    const looking = Guardian.run({
      ...watching,
      process: () => ({ loopMs: lag(), usedBytes: process.memoryUsage.rss(), usableBytes }),
      tell: Alerting.make({ url, http: yield* HttpClient.HttpClient, counts }),
      counts
    }, options)
    yield* Effect.forkScoped(kept("guardian", looking))
  })).pipe(Layer.provide(FetchHttpClient.layer))

/** A bug in a loop must not be the end of it: nobody would notice before the next load. */
const kept = (name: string, loop: Effect.Effect<never>): Effect.Effect<never> =>
  Effect.catchCause(loop, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.logError(`a bug ended the ${name}; it is started again`, cause).pipe(
        Effect.andThen(Effect.sleep(restartAfter)),
        Effect.andThen(Effect.suspend(() => kept(name, loop)))
      ))
