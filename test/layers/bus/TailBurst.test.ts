import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { positionEvery, type Tail, type TailEvent } from "../../../src/services/Tails.ts"
import { settle } from "./Deliveries.ts"
import { draft } from "./Drafts.ts"
import { drain, inMemory, numbers, payloadsOf, range, tailOf } from "./Tailing.ts"

/** A reader that takes so many writes at a time, and more each time it is emptied. */
const reader = (tail: Tail, writesMax: number) => {
  const state = { writes: new Array<ReadonlyArray<TailEvent>>(), left: writesMax }
  const write = (events: ReadonlyArray<TailEvent>): boolean => {
    state.writes.push(events)
    return --state.left > 0
  }
  const turn = Effect.suspend(() => {
    state.left = writesMax
    return tail.follow({ countMax: 64, bytesMax: 65_536 }, write)
  })
  return { state, turn, events: () => state.writes.flat() }
}

describe("bursts", () => {
  it.effect("tails that have seen everything are given the same events, made once", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const one = reader(yield* tailOf(bus, ">"), 99)
      const two = reader(yield* tailOf(bus, ">"), 99)
      const other = reader(yield* tailOf(bus, "t.3"), 99)
      yield* Effect.forEach([one, two, other], ({ turn }) => Effect.forkChild(turn))
      yield* settle
      for (const at of range(5)) {
        yield* bus.publishMany(numbers(10, at * 10))
        yield* settle
      }
      assert.deepStrictEqual(payloadsOf(one.events()), range(50))
      assert.lengthOf(one.state.writes, 5)
      one.state.writes.forEach((events, at) => assert.strictEqual(events, two.state.writes[at]))
      assert.deepStrictEqual(payloadsOf(other.events()), [3, 13, 23, 33, 43])
      assert.strictEqual(bus.snapshot().tails.events, 100 + other.events().length)
    }))

  it.effect("a tail without room goes on where it stopped, alone and then with the others", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const quick = reader(yield* tailOf(bus, ">"), 999)
      const slow = reader(yield* tailOf(bus, ">"), 2)
      yield* Effect.forkChild(quick.turn)
      for (const at of range(40)) {
        const turn = yield* Effect.forkChild(slow.turn)
        for (const part of range(3)) { // One more than it takes.
          yield* bus.publishMany(numbers(7, at * 21 + part * 7))
          yield* settle
        }
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(turn)))
      }
      yield* Effect.forkChild(slow.turn)
      yield* settle
      assert.deepStrictEqual(payloadsOf(quick.events()), range(840))
      assert.deepStrictEqual(payloadsOf(slow.events()), range(840))
      for (const { events } of [quick, slow]) {
        const at = events().flatMap(({ position }, n) => position === undefined ? [] : [n])
        at.forEach((n, k) => assert.isAtMost(n - (at[k - 1] ?? -1), positionEvery))
      }
      // A position that came to all of them is that of its event.
      const last = quick.events().findLastIndex(({ position }) => position !== undefined)
      const position = quick.events()[last]?.position ?? ""
      const again = yield* tailOf(bus, ">", { position })
      assert.deepStrictEqual(payloadsOf(yield* drain(again)), range(840 - last - 1, last + 1))
    }))

  it.effect("a tail that comes in the middle of a burst is given its end only", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const early = reader(yield* tailOf(bus, ">"), 99)
      yield* Effect.forkChild(early.turn)
      yield* settle
      yield* bus.publish(draft("t", 1))
      const late = reader(yield* tailOf(bus, ">"), 99)
      yield* Effect.forkChild(late.turn, { startImmediately: true })
      yield* bus.publish(draft("t", 2))
      yield* settle
      assert.deepStrictEqual(payloadsOf(early.events()), [1, 2])
      assert.deepStrictEqual(payloadsOf(late.events()), [2])
    }))

  it.effect("give a position at least once in 64 events, however they come", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const one = reader(yield* tailOf(bus, ">"), 3)
      yield* Effect.forkChild(Effect.forever(Effect.andThen(Effect.yieldNow, one.turn)))
      yield* Effect.yieldNow
      for (const at of range(60)) {
        yield* bus.publishMany(numbers(20, at * 20))
        yield* Effect.yieldNow
        yield* Effect.yieldNow
      }
      yield* settle
      assert.deepStrictEqual(payloadsOf(one.events()), range(1_200))
      const at = one.events().flatMap(({ position }, n) => position === undefined ? [] : [n])
      assert.isAtLeast(at.length, 1_200 / positionEvery)
      at.forEach((n, k) => assert.isAtMost(n - (at[k - 1] ?? -1), positionEvery))
    }))

  it.effect("a burst larger than one write reaches each tail in parts", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const one = reader(yield* tailOf(bus, ">"), 99)
      yield* Effect.forkChild(one.turn)
      yield* settle
      yield* bus.publishMany(numbers(200))
      yield* settle
      assert.deepStrictEqual(payloadsOf(one.events()), range(200))
      assert.deepStrictEqual(one.state.writes.map(({ length }) => length), [64, 64, 64, 8])
    }))

  it.effect("a writer that throws ends alone, and the others get the burst", () =>
    Effect.gen(function*() {
      const { bus } = yield* inMemory()
      const bad = yield* tailOf(bus, ">")
      const good = reader(yield* tailOf(bus, ">"), 99)
      const broken = yield* Effect.forkChild(
        bad.follow({ countMax: 64, bytesMax: 65_536 }, () => {
          throw new Error("the socket is gone")
        })
      )
      yield* Effect.forkChild(good.turn)
      yield* settle
      yield* bus.publish(draft("t", 1))
      yield* settle
      assert.isTrue(Exit.hasDies(yield* Fiber.await(broken)))
      assert.deepStrictEqual(payloadsOf(good.events()), [1])
    }))
})
