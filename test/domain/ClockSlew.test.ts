import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { anchored, slewMax, started, stepOf, timeAt } from "../../src/domain/ClockSlew.ts"

/** The wall as it is found at a reading, and the moments at which the clock is read before it. */
const readings = Schema.Array(Schema.Struct({
  /** Milliseconds since the last reading of the wall: late ones too. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })),
  /** How far the wall stepped meanwhile, in milliseconds. */
  step: Schema.Int.check(Schema.isBetween({ minimum: -3_600_000, maximum: 3_600_000 })),
  /** Shares of that time, in thousandths. */
  reads: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 })))
}))

/** What a double holds of a date in milliseconds. */
const rounding = 0.001

const epoch = 1_795_000_000_000

describe("the slew of the clock", () => {
  it.prop("P10: never goes back, and its rate is within 500 ppm, whatever the wall does", {
    readings
  }, ({ readings }) => {
    const at = { monotonic: 12_345.678_9, wall: epoch, time: epoch }
    let anchor = started(at.monotonic, at.wall)
    const read = (monotonic: number) => {
      const time = timeAt(anchor, monotonic)
      const elapsed = monotonic - at.monotonic
      assert.isAtLeast(time, at.time)
      assert.isAtMost(Math.abs(time - at.time - elapsed), elapsed * slewMax + rounding)
      at.monotonic = monotonic
      at.time = time
    }
    for (const { after, reads, step } of readings) {
      const from = at.monotonic
      for (const share of reads.toSorted((a, b) => a - b)) read(from + after * share / 1_000)
      read(from + after)
      at.wall += after + step
      anchor = anchored(anchor, at.monotonic, at.wall)
      read(at.monotonic)
    }
  })

  it.prop("P10: meets a wall that stands right again, in the time that 500 ppm take, and stays", {
    step: Schema.Int.check(Schema.isBetween({ minimum: -60_000, maximum: 60_000 })),
    readings: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))
  }, ({ readings, step }) => {
    const every = Math.abs(step) / slewMax / readings
    let anchor = anchored(started(0, epoch), 0, epoch + step)
    for (let reading = 1; reading <= readings + 3; reading++) {
      const now = reading * every
      anchor = anchored(anchor, now, epoch + step + now)
      const expected = Math.max(0, Math.abs(step) - now * slewMax)
      assert.closeTo(Math.sign(step) * anchor.gap, expected, rounding, "never past the wall")
    }
  })

  it.prop("tells a step of the wall from the way that time and slew went", {
    steps: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -5_000, maximum: 5_000 })))
  }, ({ steps }) => {
    let anchor = started(0, epoch)
    let wall = epoch
    for (const [index, step] of steps.entries()) {
      wall += 1_000 + step
      const next = anchored(anchor, (index + 1) * 1_000, wall)
      assert.closeTo(stepOf(anchor, next), step, rounding)
      anchor = next
    }
  })
})
