import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Core } from "../../../src/layers/bus/Core.ts"
import { deleteOld } from "../../../src/layers/bus/Retention.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"
import { drain, payloadsOf, range, tailOf } from "./Tailing.ts"

type Scan = Core["log"]["scan"]

/** A bus with ten messages that nobody needs and five that a subscription waits for. */
const over = (
  use: (made: Parameters<Parameters<typeof life>[2]>[0]) => ReturnType<Parameters<typeof life>[2]>
) =>
  Effect.gen(function*() {
    const disk = new SimulatedDisk()
    yield* life(disk, "closed", ({ bus }) =>
      Effect.gen(function*() {
        yield* Effect.forEach(range(10), (n) => bus.publish(draft("t", n)))
        yield* bus.createSubscription(named("s"), options("t"))
        yield* Effect.forEach(range(5, 10), (n) => bus.publish(draft("t", n)))
      }))
    // It looks by itself only after the test.
    const retention = { everyMs: 3_600_000, ageMs: 0, bytesMax: Number.POSITIVE_INFINITY }
    yield* life(disk, "closed", use, { retention })
  })

describe("retention while a tail reads the log", () => {
  const ways: ReadonlyArray<readonly [string, (core: Core, scan: Scan) => Scan, number]> = [
    [
      "is told of as a gap, with how many messages went",
      (core, scan) => (request) => Effect.andThen(Effect.orDie(deleteOld(core)), scan(request)),
      10
    ],
    [
      "is no gap when they had been read before they went",
      (core, scan) => (request) => Effect.tap(scan(request), () => Effect.orDie(deleteOld(core))),
      0
    ]
  ]
  for (const [what, deleting, missed] of ways) {
    it.effect(what, () =>
      over(({ bus, core }) =>
        Effect.gen(function*() {
          yield* settle
          yield* TestClock.adjust("1 minute")
          const tail = yield* tailOf(bus, "t", "earliest")
          const { scan } = core.log
          Object.assign(core.log, { scan: deleting(core, scan) })
          const events = yield* drain(tail)
          assert.strictEqual(bus.snapshot().retention.deleted, 10)
          assert.deepStrictEqual(payloadsOf(events), range(15 - missed, missed))
          const gaps = events.flatMap((event) => event._tag === "Gap" ? [event] : [])
          assert.deepStrictEqual(
            gaps.map(({ missed, reason }) => [reason, missed]),
            missed === 0 ? [] : [["Retention", 10]]
          )
        })
      ))
  }
})
