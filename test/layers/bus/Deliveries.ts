/** Deliveries, consumers and options for tests of the parts of a bus. */
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { noFates } from "../../../src/domain/Fate.ts"
import { makeIds } from "../../../src/domain/MessageId.ts"
import type { Lane } from "../../../src/domain/Priority.ts"
import { retryDefault } from "../../../src/domain/RetryPolicy.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { Consumer, Totals } from "../../../src/layers/bus/Consumer.ts"
import { Pending } from "../../../src/layers/bus/Pending.ts"
import type { Track } from "../../../src/layers/bus/Track.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { draft, named, options } from "./Drafts.ts"

const nextId = makeIds(() => 7, 0)

/** A consumer that pulls everything and gives what goes on to `circulate`. */
export const consumerOf = (circulate: (delivery: Pending) => void = () => {}): Consumer =>
  new Consumer(
    { incarnation: 1, name: named("s"), options: options(">"), starts: [] },
    { handler: undefined, retry: retryDefault, fates: noFates },
    new Totals(),
    circulate
  )

/** A delivery of one message; its payload is its offset. */
export const pendingOf = (more: {
  readonly consumer?: Consumer
  readonly lane?: Lane
  readonly offset?: number
  readonly order?: string | undefined
  readonly track?: Track
}): Pending => {
  const { consumer = consumerOf(), lane = 1, offset = 0, order, track } = more
  const { payloadBytes, ...fields } = draft("t", offset, { priority: lane === 0 ? 9 : 0 })
  return new Pending(
    {
      message: { ...fields, id: nextId(1, 0), publishedAt: 1, replayOf: undefined },
      bytes: payloadBytes,
      partition: 0,
      lane,
      logLane: lane,
      fingerprint: undefined,
      offset,
      pending: 1
    },
    consumer,
    track,
    order,
    -1
  )
}

/** A bus in memory. */
export const busLayer = (more: Partial<Bus.BusOptions> = {}) =>
  Layer.suspend(() =>
    Bus.layer({ ...Bus.optionsDefault, drainMs: 0, ...more }).pipe(
      Layer.provide(Layer.fresh(MemoryLog.layer))
    )
  )

/** Lets time pass once a test failed: its handlers and its bus end by their limits, not never. */
export const ending = <A, E, R>(test: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.onError(test, () =>
    Effect.asVoid(Effect.forkDetach(
      Effect.repeat(Effect.andThen(Effect.yieldNow, TestClock.adjust("1 second")), { times: 120 })
    )))

/** Lets everything that can run without time passing run. */
export const settle: Effect.Effect<void> = TestClock.adjust("10 millis")
