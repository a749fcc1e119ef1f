import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isSettled } from "../../../src/domain/Progress.ts"
import { type Pending, state } from "../../../src/layers/bus/Pending.ts"
import { Track } from "../../../src/layers/bus/Track.ts"
import { pendingOf } from "./Deliveries.ts"

const offset = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
const lane = Schema.Struct({
  /** Gaps between matching offsets. */
  matches: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })))
    .check(Schema.isMaxLength(12)),
  settled: Schema.Array(offset).check(Schema.isMaxLength(12)),
  ahead: Schema.Array(offset).check(Schema.isMaxLength(6)),
  attempted: Schema.Array(offset).check(Schema.isMaxLength(6)),
  passed: offset
})

/** A track with these matches; `settled` and `attempted` choose among them. */
const build = ({ ahead, attempted, matches, passed, settled }: typeof lane.Type) => {
  const track = new Track(3, 2)
  const deliveries: Array<Pending> = []
  for (const gap of matches) {
    const last = deliveries.at(-1)?.entry.offset ?? 1
    const delivery = pendingOf({ track, offset: last + gap })
    deliveries.push(delivery)
    track.add(delivery)
  }
  track.passed(passed)
  const one = (n: number) => deliveries[n % Math.max(1, deliveries.length)]
  attempted.forEach((n) => one(n) && Object.assign(one(n) ?? {}, { attempts: n + 1 }))
  settled.forEach((n) => one(n) && Object.assign(one(n) ?? {}, { state: state.settled }))
  const beyond = ahead.map((n) => track.position + n)
  beyond.forEach((offset) => track.settleAhead(offset))
  return { track, deliveries, beyond }
}

describe("the progress of a lane", () => {
  it.prop("comes back from its cursor: nothing lost, nothing settled that is not", { lane }, ({
    lane
  }) => {
    const { beyond, deliveries, track } = build(lane)
    const read = track.position
    deliveries.filter((one) => one.state === state.settled).forEach(() => track.settled())
    const cursor = track.cursor(1)
    const again = new Track(3, 0, cursor)
    for (const { attempts, entry, state: at } of deliveries) {
      const isDone = at === state.settled
      assert.strictEqual(isSettled(cursor, entry.offset), isDone, `offset ${entry.offset}`)
      assert.strictEqual(again.settledAhead(entry.offset), isDone)
      if (!isDone) assert.strictEqual(again.takeAttempts(entry.offset), attempts)
    }
    for (let offset = read; offset < 100; offset++) {
      assert.strictEqual(isSettled(cursor, offset), beyond.includes(offset), `beyond ${offset}`)
    }
    const firstUnsettled = deliveries.find((delivery) => delivery.state !== state.settled)
    assert.strictEqual(
      again.position,
      firstUnsettled?.entry.offset ?? track.cursor(1).floor
    )
    assert.deepStrictEqual(again.cursor(1).floor, cursor.floor)
  }, { arbitrary: { runs: 500 } })

  it.prop("finds exactly what is unsettled, in order", { lane }, ({ lane }) => {
    const { deliveries, track } = build(lane)
    const unsettled = deliveries.filter((delivery) => delivery.state !== state.settled)
    assert.deepStrictEqual([...track.unsettled()], unsettled)
    deliveries.filter((one) => one.state === state.settled).forEach(() => track.settled())
    for (let offset = 0; offset < 60; offset++) {
      const expected = unsettled.find(({ entry }) => entry.offset === offset)
      assert.strictEqual(track.find(offset), expected, `offset ${offset}`)
    }
  }, { arbitrary: { runs: 200 } })

  it("settles ahead of reading once, and forgets the attempts of it", () => {
    const cursor = { incarnation: 1, logLane: 3, floor: 4, ranges: [], attempts: [4, 2, 6, 3] }
    const track = new Track(3, 0, cursor)
    assert.isTrue(track.settleAhead(6))
    assert.isFalse(track.settleAhead(6))
    assert.isFalse(track.settleAhead(3))
    assert.deepStrictEqual(track.cursor(1), { ...cursor, ranges: [6, 7], attempts: [4, 2] })
    assert.strictEqual(track.takeAttempts(4), 2)
    assert.strictEqual(track.takeAttempts(4), 0)
  })
})

it("keeps in memory little of what settled behind a delivery that does not", () => {
  const track = new Track(3, 0)
  const deliveries = Array.from({ length: 2_000 }, (_, n) => pendingOf({ track, offset: n * 2 }))
  deliveries.forEach((delivery) => track.add(delivery))
  const isOpen = (n: number) => n % 500 === 0
  deliveries.forEach((delivery, n) => {
    if (isOpen(n)) return
    Object.assign(delivery, { state: state.settled })
    track.settled()
  })
  assert.isBelow(track.kept, 600)
  const cursor = track.cursor(1)
  deliveries.forEach(({ entry }, n) => {
    assert.strictEqual(isSettled(cursor, entry.offset), !isOpen(n), `offset ${entry.offset}`)
    assert.strictEqual(track.find(entry.offset) === undefined, !isOpen(n))
  })
  deliveries.filter((_, n) => isOpen(n)).forEach((delivery) => {
    Object.assign(delivery, { state: state.settled })
    track.settled()
  })
  assert.deepStrictEqual([track.kept, track.cursor(1).floor], [0, 3_999])
})
