/** Tails and what comes out of them, for tests. */
import { Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { TopicPattern } from "../../../src/domain/TopicPattern.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import type { MessageBus } from "../../../src/services/MessageBus.ts"
import type { Tail, TailEvent, TailRequest } from "../../../src/services/Tails.ts"
import { draft } from "./Drafts.ts"

/** A bus in memory with its state in view. */
export const inMemory = (more: Partial<Bus.BusOptions> = {}) =>
  Effect.provide(
    Bus.make({ ...Bus.optionsDefault, shardCount: 2, ...more }),
    Layer.fresh(MemoryLog.layer)
  )

const pattern = Schema.decodeUnknownSync(TopicPattern)

/** A tail of a pattern. */
export const tailOf = (
  bus: MessageBus["Service"],
  wanted: string,
  from: TailRequest["from"] = "now"
) => bus.tails.open({ of: { pattern: pattern(wanted) }, from })

/** Drafts on seven topics whose payloads count up. */
export const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => draft(`t.${n % 7}`, from + n, { priority: n % 10 }))

/** The payloads of the messages among events. */
export const payloadsOf = (events: ReadonlyArray<TailEvent>) =>
  events.flatMap((event) => event._tag === "Message" ? [Number(event.message.payload)] : [])

/** Everything that comes without waiting. */
export const drain = (tail: Tail, countMax = 256) =>
  Effect.gen(function*() {
    const all: Array<TailEvent> = []
    for (;;) {
      const fiber = yield* Effect.forkChild(tail.next({ countMax, waitMs: 1 }))
      yield* TestClock.adjust("2 millis")
      const events = yield* Fiber.join(fiber)
      if (events.length === 0) return all
      all.push(...events)
    }
  })

/** Numbers in order. */
export const ascending = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)
/** `count` numbers from `from` on. */
export const range = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n)
