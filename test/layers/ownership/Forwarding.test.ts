import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { makeIds, partitionOfId } from "../../../src/domain/MessageId.ts"
import { PodCounts, podCounts } from "../../../src/layers/observe/PodCounts.ts"
import * as Forwarding from "../../../src/layers/ownership/Forwarding.ts"
import { Peers } from "../../../src/layers/ownership/Peers.ts"
import {
  type Ask,
  type Forwarded,
  fromBytes,
  type Outcome,
  toBytes
} from "../../../src/layers/ownership/Wire.ts"
import type { Accepted } from "../../../src/services/MessageBus.ts"
import { OwnerBusy, Ownership } from "../../../src/services/Ownership.ts"
import { draft } from "../bus/Drafts.ts"

/** Draws numbers below `limit`, the same ones for the same seed. */
const drawing = (seed: number) => {
  const state = { last: seed >>> 0 }
  return (limit: number): number => {
    state.last = (Math.imul(state.last, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state.last / 2 ** 32 * limit)
  }
}

const partitions = 8
const pods = ["b", "c", "d"]

const accepted = ({ id, topic }: Forwarded): Accepted => ({
  id,
  topic,
  shard: 0,
  durability: "local",
  duplicate: false
})

/** Other pods, among which partitions move; each message is stored once, as in a log. */
class World {
  readonly stored = new Map<number, Array<string>>()
  readonly largest = { messages: 0, atOnce: 0 }
  private readonly owners = Array.from({ length: partitions }, (_, at) => pods[at % 3] ?? "b")
  private readonly busy = new Map<string, number>()
  private readonly draw: (limit: number) => number

  constructor(draw: (limit: number) => number) {
    this.draw = draw
  }

  readonly ask = (partition: number, bytes: Uint8Array): Effect.Effect<Uint8Array, OwnerBusy> =>
    Effect.gen({ self: this }, function*() {
      const ask = fromBytes<Ask>(bytes)
      const pod = this.owners[partition] ?? "b"
      const drafts = ask.kind === "publish" ? ask.drafts : []
      const atOnce = (this.busy.get(pod) ?? 0) + 1
      this.busy.set(pod, atOnce)
      this.largest.atOnce = Math.max(this.largest.atOnce, atOnce)
      this.largest.messages = Math.max(this.largest.messages, drafts.length)
      yield* Effect.sleep(this.draw(3))
      this.busy.set(pod, atOnce - 1)
      if (this.draw(10) === 0) return yield* new OwnerBusy({ partition })
      const value = drafts.map((one) => this.store(pod, one))
      const owned = this.owners.flatMap((owner, at) => owner === pod ? [at] : [])
      const reply = toBytes({ pod, owned, value })
      if (this.draw(5) === 0) this.owners[this.draw(partitions)] = pods[this.draw(3)] ?? "b"
      // An answer may be lost after all was stored.
      return this.draw(20) === 0 ? yield* new OwnerBusy({ partition }) : reply
    })

  private store(pod: string, one: Forwarded): Outcome {
    const partition = partitionOfId(one.id)
    if (this.owners[partition] !== pod) return "Elsewhere"
    const log = this.stored.get(partition) ?? []
    this.stored.set(partition, log)
    if (!log.includes(one.id)) log.push(one.id)
    return { accepted: accepted(one) }
  }
}

describe("forwarding", () => {
  it.live.each([1, 2, 3, 4])(
    "keeps the order of each call and partition while partitions move (seed %i)",
    (seed) =>
      Effect.scoped(Effect.gen(function*() {
        const draw = drawing(seed)
        const world = new World(draw)
        const counts = new PodCounts()
        const ownership = Ownership.of({
          pod: "own",
          join: () => Effect.void,
          leave: Effect.void,
          ask: (partition, bytes) => world.ask(partition, bytes)
        })
        const peers = new Peers(ownership, counts, () => false)
        const { forward } = yield* Effect.provideService(
          Forwarding.make(peers, () => Effect.succeed([])),
          podCounts,
          counts
        )
        const nextId = makeIds(() => draw(2 ** 31), 1_700_000_000_000)
        const calls = Array.from({ length: 40 }, () =>
          Array.from({ length: 1 + draw(300) }, (): Forwarded => ({
            ...draft("t", 0),
            id: nextId(1_700_000_000_000, draw(partitions))
          })))
        yield* Effect.forEach(calls, (drafts) =>
          Effect.gen(function*() {
            const results = yield* forward(drafts)
            assert.deepStrictEqual(
              results.map((one) =>
                Result.isSuccess(one) ? one.success.id : one.failure.message
              ),
              drafts.map(({ id }) => id)
            )
          }), { concurrency: 10, discard: true })
        for (const drafts of calls) {
          for (const [partition, own] of Map.groupBy(drafts, ({ id }) => partitionOfId(id))) {
            const ids = new Set(own.map(({ id }): string => id))
            const stored = world.stored.get(partition)?.filter((id) => ids.has(id))
            assert.deepStrictEqual(stored, own.map(({ id }): string => id))
          }
        }
        assert.isAtMost(world.largest.messages, 96)
        assert.strictEqual(counts.forwarding, 0)
        assert.isAbove(counts.forwardedAgain, 0) // Something moved, or was lost.
      })),
    60_000
  )
})
