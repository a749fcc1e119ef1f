import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Consumer } from "../../../src/layers/bus/Consumer.ts"
import { type Pending, state } from "../../../src/layers/bus/Pending.ts"
import { seededRandom } from "../../simulation/SeededRandom.ts"
import { consumerOf, pendingOf } from "./Deliveries.ts"

const acts = ["arrive", "arrive", "arrive", "take", "take", "settle", "fail", "due"] as const

/** Keys in use beside the plainest account of them: lists of deliveries by key and lane. */
class Keys {
  readonly consumer: Consumer = consumerOf((delivery) => this.consumer.ready.giveBack(delivery))
  readonly all: Array<Pending> = []
  readonly runs = new Map<Pending, number>()
  private run = 0

  of(state: number): ReadonlyArray<Pending> {
    return this.all.filter((delivery) => delivery.state === state)
  }

  arrive(order: string, lane: 0 | 1): void {
    const delivery = pendingOf({ consumer: this.consumer, order, lane, offset: this.all.length })
    this.all.push(delivery)
    this.consumer.ready.push(delivery)
  }

  /** Takes up to `max` that may go out; 0 is a worker, which takes one. */
  take(max: number): void {
    const run = max === 0 ? 0 : ++this.run
    for (let taken = 0; taken < Math.max(1, max);) {
      const delivery = this.consumer.ready.take()
      if (delivery === undefined) return
      const { order = "" } = delivery
      if (!this.consumer.order.admit(order, delivery, run)) continue
      taken++
      this.checkStart(delivery, run)
      delivery.state = state.running
      this.runs.set(delivery, run)
    }
  }

  settle(delivery: Pending): void {
    delivery.state = state.settled
    this.consumer.order.settle(delivery.order ?? "", delivery)
  }

  fail(delivery: Pending): void {
    delivery.state = state.waiting
    const behind = this.consumer.order.hold(delivery.order ?? "", delivery)
    const expected = this.before(delivery, false).filter((later) => later.state === state.running)
    assert.deepStrictEqual(behind.map(offsetOf), expected.map(offsetOf))
    behind.forEach((later) => later.state = state.queued)
  }

  due(delivery: Pending): void {
    delivery.state = state.queued
    this.consumer.order.retry(delivery.order ?? "", delivery)
  }

  /** Unsettled ones of the same key and lane, before or behind `delivery`. */
  private before({ entry, order }: Pending, isBefore: boolean): ReadonlyArray<Pending> {
    return this.all.filter((other) =>
      other.order === order && other.entry.lane === entry.lane && other.state !== state.settled &&
      (isBefore ? other.entry.offset < entry.offset : other.entry.offset > entry.offset)
    )
  }

  private checkStart(delivery: Pending, run: number): void {
    assert.strictEqual(delivery.state, state.queued, "it still waits for its retry")
    const running = this.of(state.running).filter(({ order }) => order === delivery.order)
    const isAlone = running.every((other) =>
      run !== 0 && this.runs.get(other) === run && other.entry.lane === delivery.entry.lane
    )
    assert.isTrue(isAlone, "another runs under its key")
    const before = this.before(delivery, true)
    assert.isTrue(before.every((other) => running.includes(other)), "one before it has not ended")
  }

  /** With everything taken, what is left waits for a retry, or for what runs under its key. */
  checkIdle(): void {
    while (this.of(state.queued).length > 0) {
      const before = this.of(state.running).length
      this.take(0)
      if (this.of(state.running).length === before) break
    }
    for (const delivery of this.of(state.queued)) {
      const isHeld = this.before(delivery, true).some((other) => other.state === state.waiting)
      const isBehind = this.of(state.running).some(({ order }) => order === delivery.order)
      assert.isTrue(isHeld || isBehind, `${offsetOf(delivery)} waits for nothing`)
    }
  }
}

const offsetOf = ({ entry }: Pending): number => entry.offset

describe("order per key", () => {
  it.prop(
    "one runs at a time, or one run at one consumer, in order per lane; nothing waits for nothing",
    { seed: Schema.Int },
    ({ seed }) => {
      const { between, pick } = seededRandom(seed, "keys")
      const keys = new Keys()
      const one = (state: number) => {
        const all = keys.of(state)
        return all[between(0, Math.max(0, all.length - 1))]
      }
      for (let step = 0; step < 100; step++) {
        const act = pick(acts)
        const [running, waiting] = [one(state.running), one(state.waiting)]
        if (act === "arrive") keys.arrive(pick(["a", "a", "b"]), pick([0, 1, 1]))
        else if (act === "take") keys.take(between(0, 5))
        else if (act === "settle" && running !== undefined) keys.settle(running)
        else if (act === "fail" && running !== undefined) keys.fail(running)
        else if (act === "due" && waiting !== undefined) keys.due(waiting)
        if (between(0, 5) === 0) keys.checkIdle()
      }
      for (let round = 0; keys.of(state.settled).length < keys.all.length; round++) {
        assert.isBelow(round, 300, "something never goes out")
        keys.of(state.waiting).forEach((delivery) => keys.due(delivery))
        keys.checkIdle()
        keys.of(state.running).forEach((delivery) => keys.settle(delivery))
      }
      assert.strictEqual(keys.consumer.order.size, 0)
    },
    { arbitrary: { runs: 800, seed: 1 } }
  )

  it("a waiting retry holds back its own lane only", () => {
    const keys = new Keys()
    keys.arrive("a", 0)
    keys.arrive("a", 0)
    keys.arrive("a", 1)
    keys.take(0)
    const [first, second, normal] = keys.all
    if (first === undefined || second === undefined || normal === undefined) return assert.fail()
    keys.fail(first)
    keys.take(0)
    assert.deepStrictEqual(keys.of(state.running), [normal])
    keys.due(first)
    keys.settle(normal)
    keys.take(0)
    assert.deepStrictEqual(keys.of(state.running), [first])
    assert.strictEqual(second.state, state.queued)
  })

  it("high ones of a key leave every ninth turn to a normal one", () => {
    const keys = new Keys()
    for (let n = 0; n < 20; n++) keys.arrive("a", 0)
    keys.arrive("a", 1)
    const lanes: Array<number> = []
    for (let n = 0; n < 21; n++) {
      keys.take(0)
      keys.of(state.running).forEach((delivery) => {
        lanes.push(delivery.entry.lane)
        keys.settle(delivery)
      })
    }
    assert.include([8, 9, 10], lanes.indexOf(1))
  })

  it("what was given up while it waited is forgotten, and the next of its key goes on", () => {
    const passed: Array<Pending> = []
    const consumer = consumerOf((delivery) => passed.push(delivery))
    const [first, second, third] = [0, 1, 2].map((offset) =>
      pendingOf({ consumer, order: "k", offset })
    )
    if (first === undefined || second === undefined || third === undefined) return assert.fail()
    assert.isTrue(consumer.order.admit("k", first, 0))
    assert.isFalse(consumer.order.admit("k", second, 0))
    assert.isFalse(consumer.order.admit("k", third, 0))
    first.state = state.settled
    consumer.order.settle("k", first)
    assert.deepStrictEqual(passed, [second], "the second was chosen and waits for a worker")
    second.state = state.settled
    consumer.order.forget("k")
    assert.deepStrictEqual(passed, [second, third])
    third.state = state.settled
    consumer.order.forget("k")
    assert.strictEqual(consumer.order.size, 0)
  })
})
