import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { partitionOfNumber } from "../../../../src/domain/Position.ts"
import { changesByPartition } from "../../../../src/layers/log/ChangesByPartition.ts"
import { netOf } from "../../../../src/layers/log/postgres/NetChanges.ts"
import type { Changes, OwnRow } from "../../../../src/services/MessageLog.ts"
import { entryOf } from "../../../contracts/LogSamples.ts"

const { message } = entryOf()

const row = (id: number, attempts: number): OwnRow => ({
  id,
  incarnation: 1,
  logLane: 0,
  after: 0,
  message,
  attempts,
  dueAt: 0,
  parked: undefined
})

/** A step writes some rows with an attempt of its own, and removes some. */
const Id = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
const Step = Schema.Struct({ written: Schema.Array(Id), removed: Schema.Array(Id) })
const Steps = Schema.Array(Step)

const changesOf = (steps: typeof Steps.Type): ReadonlyArray<Changes> =>
  steps.map(({ removed, written }, at) => ({
    ownRows: written.map((id) => row(id, at)),
    ownRowsRemoved: removed
  }))

/** What a table holds after the steps, one by one. */
const table = (steps: typeof Steps.Type): ReadonlyMap<number, number> =>
  steps.reduce((rows, { removed, written }, at) => {
    written.forEach((id) => rows.set(id, at))
    removed.forEach((id) => rows.delete(id))
    return rows
  }, new Map<number, number>())

describe("the net of changes", () => {
  it.prop("is what a table holds after all of them", { steps: Steps }, ({ steps }) => {
    const net = netOf(changesOf(steps))
    const left = [...net.ownRows].flatMap(([id, one]) =>
      one === undefined ? [] : [[id, one.attempts] as const]
    )
    assert.deepStrictEqual(new Map(left), table(steps))
    const touched = new Set(steps.flatMap(({ removed, written }) => [...written, ...removed]))
    assert.deepStrictEqual(new Set(net.ownRows.keys()), touched)
  })

  it.prop("is the same when it is cut by partition first", { steps: Steps }, ({ steps }) => {
    const whole = netOf(changesOf(steps)).ownRows
    const cut = changesOf(steps).map((changes) => changesByPartition(changes))
    for (let partition = 0; partition < 64; partition++) {
      const own = netOf(cut.flatMap((parts) => parts.get(partition) ?? [])).ownRows
      const expected = [...whole].filter(([id]) => partitionOfNumber(id) === partition)
      assert.deepStrictEqual(new Map(own), new Map(expected))
    }
  })

  it("forgets leases where there are none any more", () => {
    const lease = { incarnation: 1, logLane: 6, offset: 0, attempt: 1, leaseUntil: 9 }
    const parts = changesByPartition({ leases: [{ ...lease, order: undefined }] })
    assert.strictEqual(parts.size, 64)
    assert.deepStrictEqual(parts.get(2)?.leases, [])
    assert.lengthOf(parts.get(3)?.leases ?? [], 1)
  })
})
