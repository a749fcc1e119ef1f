/**
 * The setting of a run: limits, counts and delays, drawn small so that each is met.
 */
import { claimsMax, claimTtlMs } from "../../src/domain/IdempotencyKey.ts"
import { watermarksDefault } from "../../src/domain/Watermark.ts"
import * as Bus from "../../src/layers/bus/Bus.ts"
import { seededRandom } from "./SeededRandom.ts"

/** What the disk and the bus of a run are told. */
export interface Setting {
  /** Longest delay of the disk in milliseconds. */
  readonly diskMsMax: number
  /** A fibre runs at most so many operations before others may. */
  readonly opsMax: number
  /** Hooks see what is published. */
  readonly hooked: boolean
  readonly bus: Bus.BusOptions
}

/** The setting of a seed; with `more`, also what was added after the first seeds were kept. */
export const settingOf = (seed: number, more: boolean): Setting => {
  const random = seededRandom(seed, "setting")
  const diskMsMax = random.pick([0, 3, 20])
  const bus: Bus.BusOptions = {
    ...Bus.optionsDefault,
    shardCount: random.pick([2, 4]),
    workersPerShard: random.pick([2, 4]),
    drainMs: 1_500,
    limits: { slotsMax: random.pick([6, 25, 1_000]), bytesMax: 1_048_576 },
    readAhead: { count: random.pick([2, 8, 1_000]), bytes: 1_048_576, allBytes: 8_388_608 },
    deadLettersMax: random.pick([3, 1_000, 1_000])
  }
  if (!more) return { diskMsMax, opsMax: 64, hooked: false, bus }
  const opsMax = seededRandom(seed, "operations").pick([64, 64, 16, 6])
  const hooked = seededRandom(seed, "hooks").chance(0.3)
  return { diskMsMax, opsMax, hooked, bus: { ...bus, ...moreOf(seed, bus) } }
}

const moreOf = (seed: number, bus: Bus.BusOptions): Partial<Bus.BusOptions> => {
  const random = seededRandom(seed, "more setting")
  const claims = {
    keysMax: random.pick([claimsMax, claimsMax, 4, 9]),
    ttlMs: random.pick([claimTtlMs, 700, 3_000])
  }
  const { limits } = bus
  const ids = seededRandom(seed, "reply ids")
  const keeping = seededRandom(seed, "retention")
  const more = {
    retention: keeping.pick([
      { everyMs: 400, ageMs: 1_500, bytesMax: 2 ** 40 },
      { everyMs: 700, ageMs: 3_600_000, bytesMax: 2_000 },
      bus.retention
    ]),
    backlogBytesMax: ids.pick([bus.backlogBytesMax, bus.backlogBytesMax, 250]),
    delayedMax: ids.pick([2, 1_000, 1_000]),
    requestsMax: ids.pick([1, 1_000, 1_000]),
    replyId: () => `reply-${ids.next()}`.replace(".", "-"),
    claims,
    limits: { ...limits, bytesMax: random.pick([limits.bytesMax, limits.bytesMax, 40]) },
    watermarks: random.pick([watermarksDefault, { high: 0.5, low: 0.2 }, { high: 1, low: 0.9 }])
  }
  const rangesMax = random.pick([1, 10_000])
  // With no room for dead letters either, a key is held until an operator deletes some of them.
  const countMax = bus.deadLettersMax < 10 ? 1_000 : random.pick([2, 1_000])
  return { ...more, rangesMax, ownRows: { countMax, bytesMax: 1_048_576 } }
}
