/**
 * The control of a bus: loops that look at it and change it, for as long as it is there.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MessageBus } from "../../services/MessageBus.ts"
import { scaleCounts } from "../observe/ScaleCounts.ts"
import * as Scaling from "./Scaling.ts"

/** Wait before a loop that a bug has ended is started again. */
const restartAfter = "1 second"

/** Scales the bus that is provided. */
export const layer = (
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
    yield* Effect.forkScoped(kept(scaling.run))
  }))

/** A bug in a loop must not be the end of it: nobody would notice before the next load. */
const kept = (loop: Effect.Effect<never>): Effect.Effect<never> =>
  Effect.catchCause(loop, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.logError("a bug ended the scaling; it is started again", cause).pipe(
        Effect.andThen(Effect.sleep(restartAfter)),
        Effect.andThen(Effect.suspend(() => kept(loop)))
      ))
