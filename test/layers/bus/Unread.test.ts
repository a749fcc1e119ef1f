import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { drain } from "./DelayedPublishes.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

type Service = MessageBus["Service"]

const three = { readAhead: { count: 3, bytes: 1_048_576, allBytes: 8_388_608 } }

const of = (bus: Service, name = "s") => {
  const found = bus.snapshot().subscriptions.find((one) => one.name === name)
  if (found === undefined) throw new Error("no such subscription")
  return found
}

const law = (bus: Service): void => {
  for (const one of bus.snapshot().subscriptions) {
    const { acked, deadLettered, dropped, expired, matched, pending, replayed, unread } = one
    assert.strictEqual(
      matched + unread + replayed,
      acked + deadLettered + expired + dropped + pending
    )
  }
}

const publish = (bus: Service, topic: string, count: number) =>
  Effect.forEach(Array.from({ length: count }, (_, n) => n), (n) => bus.publish(draft(topic, n)), {
    discard: true
  })

describe("pending of a subscription that lags", () => {
  it.effect("is exact at every moment, whoever else publishes", () =>
    life(new SimulatedDisk(), "closed", ({ bus }) =>
      Effect.gen(function*() {
        yield* bus.createSubscription(named("s"), options("t", { ordering: "none" }))
        yield* settle
        yield* publish(bus, "t", 20)
        yield* publish(bus, "other", 5)
        assert.deepStrictEqual([of(bus).pending, of(bus).unread], [20, 17])
        yield* settle
        for (let left = 20; left > 0;) { // Falls with every acknowledgement.
          const taken = yield* bus.pull("s", 2, 0)
          yield* bus.ack("s", taken.map(({ ackId }) => ackId))
          left -= taken.length
          assert.strictEqual(of(bus).pending, left)
          law(bus)
          yield* settle
          assert.strictEqual(of(bus).pending, left)
          if (left === 10) yield* publish(bus, "t", 0)
        }
        assert.strictEqual(of(bus).unread, 0)
        assert.strictEqual(of(bus).matched, 20)
      }), three))

  it.effect("is exact after a restart, without what was acknowledged ahead", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ordering: "none" }))
          yield* settle
          yield* publish(bus, "t", 20)
          yield* settle
          const taken = yield* bus.pull("s", 9, 0)
          const ids = taken.map(({ ackId }) => ackId)
          yield* bus.ack("s", ids.filter((_, n) => n % 3 > 0))
          yield* bus.nack("s", ids.filter((_, n) => n % 3 === 0), 0)
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.strictEqual(of(bus).pending, 14)
          law(bus)
          const [first] = yield* bus.pull("s", 1, 0)
          yield* bus.ack("s", [first?.ackId ?? ""])
          assert.strictEqual(of(bus).pending, 13)
          for (let turn = 0; turn < 9; turn++) { // More than enough: three at a time.
            yield* drain(bus)
            yield* settle
          }
          assert.deepStrictEqual([of(bus).pending, of(bus).matched], [0, 14])
        }), three)
    }))

  it.effect("is an upper bound with a filter of content, and exact once all is read", () =>
    life(new SimulatedDisk(), "closed", ({ bus }) =>
      Effect.gen(function*() {
        yield* publish(bus, "t", 20)
        const filter = { payload: { gte: 15 } }
        yield* bus.createSubscription(
          named("s"),
          options("t", { from: "earliest", ordering: "none", filter })
        )
        yield* settle
        assert.strictEqual(of(bus).pending, 5)
        for (let turn = 0; turn < 9; turn++) { // More than enough, as above.
          yield* settle
          law(bus)
          if (turn > 5) yield* drain(bus)
        }
        yield* settle
        assert.deepStrictEqual([of(bus).pending, of(bus).acked], [0, 5])
      }), three))
})
