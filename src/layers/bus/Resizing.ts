/**
 * Resizing: another set of shards under load, with nothing lost, doubled or out of order.
 *
 * The change is one step of the event loop: ring, shards, queued deliveries and slots move
 * together. Keys in flight, waiting retries and leases belong to no shard, so they outlive it.
 * Source: design, P6.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { hash32, orderText } from "../../domain/Position.ts"
import { shardCountRange } from "../../domain/Ring.ts"
import { CountOutOfRange, type Resized, ResizeRunning, type Shards } from "../../services/Shards.ts"
import type { Core } from "./Core.ts"
import { closedOf, isOpen } from "./Openness.ts"
import type { Pending } from "./Pending.ts"
import type { Shard } from "./Shard.ts"
import type { Changed } from "./ShardSet.ts"
import { announce, announced } from "./Volatile.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/**
 * How long a resize waits for the handlers that still run in removed shards. It took effect before;
 * those that run longer end by themselves.
 */
export const resizeWaitMs = 10_000

/** The changes of the shard set of one bus; one at a time. */
export class Resizing {
  private readonly core: Core
  private readonly pool: WorkerPool
  private isRunning = false

  constructor(core: Core, pool: WorkerPool) {
    this.core = core
    this.pool = pool
  }

  /** Makes the live shards those of these ids; returns when removed ones have come to rest. */
  resizeTo(ids: ReadonlyArray<number>): ReturnType<Shards["setCount"]> {
    // An interrupt between the steps would leave it running for ever.
    return Effect.uninterruptibleMask((restore): ReturnType<Shards["setCount"]> => {
      const { core } = this
      const { maximum, minimum } = shardCountRange
      const count = new Set(ids).size
      if (!isOpen(core)) return Effect.fail(closedOf(core))
      if (this.isRunning) return Effect.fail(new ResizeRunning({}))
      if (!(count >= minimum && count <= maximum)) {
        return Effect.fail(new CountOutOfRange({ what: "shards", found: count, minimum, maximum }))
      }
      const from = core.shards.length
      const { changed, moved } = this.replace(ids)
      const resized: Resized = { from, to: count, moved }
      if (changed.added.length + changed.removed.length > 0) tell(core, resized, changed)
      const leaving = changed.removed.flatMap((shard) => this.pool.retire(shard))
      if (leaving.length === 0) return Effect.succeed(resized)
      this.isRunning = true
      return restore(Effect.timeoutOption(Fiber.awaitAll(leaving), resizeWaitMs)).pipe(
        Effect.as(resized),
        Effect.ensuring(Effect.sync(() => this.isRunning = false))
      )
    })
  }

  /** Builds the ring anew from the live shards and brings home whatever is misplaced. */
  get rebalance(): Shards["rebalance"] {
    return Effect.suspend((): Shards["rebalance"] => {
      const { core } = this
      if (!isOpen(core)) return Effect.fail(closedOf(core))
      if (this.isRunning) return Effect.fail(new ResizeRunning({}))
      const { moved } = this.replace(core.shards.map(({ id }) => id))
      core.decide({
        kind: "rebalance",
        subject: "shards",
        rule: "an operator asked; what waits in another shard than its own moves",
        inputs: { shards: core.shards.length, moved },
        outcome: `${moved} moved`
      })
      return Effect.succeed({ moved })
    })
  }

  private replace(ids: ReadonlyArray<number>): { changed: Changed; moved: number } {
    const { core } = this
    const changed = core.shardSet.change(ids)
    const moved = moveQueued(core, changed.before)
    moveSlots(core)
    changed.added.forEach((shard) => this.pool.staff(shard))
    return { changed, moved }
  }
}

/** Brings what waits in these shards to the owners of its position; returns how much moved. */
const moveQueued = (core: Core, from: ReadonlyArray<Shard>): number => {
  const ownerOf = (delivery: Pending): Shard => {
    const { key, topic } = delivery.entry.message
    return core.shardSet.at(delivery.slot?.position ?? hash32(orderText(topic, key)))
  }
  let moved = 0 // A sum over the queues of all shards.
  for (const shard of from) {
    const owners = new Map<Pending, Shard>()
    const waiting = shard.lanes.takeOut((delivery) => {
      const owner = ownerOf(delivery)
      if (owner !== shard) owners.set(delivery, owner)
      return owner !== shard
    })
    moved += owners.size
    for (const owner of new Set(owners.values())) {
      const isTheirs = (delivery: Pending): boolean => owners.get(delivery) === owner
      const { fresh, returned } = waiting
      owner.lanes.letIn({
        fresh: [fresh[0].filter(isTheirs), fresh[1].filter(isTheirs)],
        returned: [returned[0].filter(isTheirs), returned[1].filter(isTheirs)]
      })
      owner.wake()
    }
  }
  return moved
}

/** Lets the owners of their positions count the slots of everything unsettled. */
const moveSlots = (core: Core): void => {
  for (const consumer of core.consumers.values()) {
    for (const { slot } of consumer.unsettled()) slot?.moveTo(core.shardSet.at(slot.position))
  }
}

const tell = (core: Core, { from, moved, to }: Resized, { added, removed }: Changed): void => {
  const idsOf = (shards: ReadonlyArray<Shard>): string => shards.map(({ id }) => id).join(" ")
  core.decide({
    kind: "resize",
    subject: "shards",
    rule: "positions go to the next point clockwise of the new ring; what waits moves along",
    inputs: { from, to, moved, added: idsOf(added), removed: idsOf(removed) },
    outcome: `${to} shards`
  })
  announce(core, announced.resize, { event: "resize", from, to, moved })
}
