import { assert, describe, it } from "@effect/vitest"
import { capacityExample, capacityOf, measuredOf, profiles } from "../../src/domain/Capacity.ts"
import type { Snapshot } from "../../src/domain/Snapshot.ts"

describe("capacity", () => {
  it("comes out as in the worked examples of the guide", () => {
    const { cores, held, memoryBytes, perSecond, pods } = capacityOf(capacityExample)
    assert.deepStrictEqual([perSecond, held, pods, memoryBytes], [320, 80_000, 5, 1.08e9])
    assert.closeTo(cores, 2.1, 1e-9)
  })

  it("names what to change first: workers, then shards, then pods", () => {
    const of = (shards: number, workers: number) =>
      capacityOf({ ...capacityExample, shards, workers }).bottleneck.setting
    assert.deepStrictEqual([of(8, 4), of(8, 8), of(16, 8)], [
      "MESSAGE_BUS_WORKERS_PER_SHARD",
      "MESSAGE_BUS_SHARD_COUNT",
      "replicaCount"
    ])
  })

  it("needs one pod at least, and a larger installation for a higher peak", () => {
    const of = (peakPerSecond: number) => capacityOf({ ...capacityExample, peakPerSecond })
    assert.deepStrictEqual([of(0).pods, of(0).heldSeconds], [1, Infinity])
    assert.deepStrictEqual(
      [100, 1_000, 2_000, 5_000].map((peak) => of(peak).profile),
      profiles.map(({ name }) => name)
    )
    assert.strictEqual(of(1_000).connections, 350)
  })

  it("is measured by the runs of handlers and the messages that wait", () => {
    const latency = (counts: ReadonlyArray<number>, sum: number) => ({ bounds: [1], counts, sum })
    const shard = { slots: 5, bytes: 1_000, workers: 6 }
    const snapshot = {
      shards: [shard, { ...shard, slots: 0, bytes: 0, workers: 2 }],
      subscriptions: [
        { consumer: "Handler", callbackLatency: latency([3, 1], 0.4) },
        { consumer: "Handler", callbackLatency: latency([0, 0], 0) },
        { consumer: "Pull", callbackLatency: latency([100, 0], 500) }
      ]
    } as unknown as Snapshot
    assert.deepStrictEqual(measuredOf(snapshot), {
      shards: 2,
      workers: 4,
      processingMs: 100,
      messageBytes: 200
    })
    assert.deepStrictEqual(measuredOf({ ...snapshot, shards: [], subscriptions: [] }), {
      shards: 0,
      workers: 0
    })
  })
})
