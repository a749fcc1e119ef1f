/**
 * The shard set: the ring and the live shards, which change together or not at all.
 *
 * One transactional value holds both, so that nobody ever sees a ring that names a shard which is
 * not there. The hot path reads what the last change published, as plain fields: a transactional
 * read costs 2.5 us, which no publish can pay.
 */
import * as Effect from "effect/Effect"
import * as TxRef from "effect/TxRef"
import * as Ring from "../../domain/Ring.ts"
import type { Shard } from "./Shard.ts"
import type { TopicState } from "./Topics.ts"

interface Placement {
  readonly ring: Ring.Ring
  /** By ascending id. */
  readonly shards: ReadonlyArray<Shard>
}

/** What a change did to the set. */
export interface Changed {
  readonly before: ReadonlyArray<Shard>
  readonly added: ReadonlyArray<Shard>
  readonly removed: ReadonlyArray<Shard>
}

/** The live shards and who owns which position. */
export class ShardSet {
  private readonly placement: TxRef.TxRef<Placement>
  private readonly makeShard: (id: number) => Shard
  private byId: ReadonlyArray<Shard | undefined> = []
  /** Grows with every change: what topics remember of an older one is void. */
  private generation = 0
  ring: Ring.Ring
  shards: ReadonlyArray<Shard>

  constructor(ids: ReadonlyArray<number>, makeShard: (id: number) => Shard) {
    this.makeShard = makeShard
    this.ring = Ring.make(ids)
    this.shards = this.ring.shards.map(makeShard)
    this.placement = TxRef.makeUnsafe<Placement>({ ring: this.ring, shards: this.shards })
    this.publish({ ring: this.ring, shards: this.shards })
  }

  /** The shard of this id. */
  get(id: number): Shard | undefined {
    return this.byId[id]
  }

  /** The shard that owns a position. */
  at(position: number): Shard {
    const shard = this.byId[Ring.owner(this.ring, position) ?? -1]
    if (shard === undefined) throw new Error("the ring names a shard that does not exist") // A bug.
    return shard
  }

  /** The shard of a topic's messages without a key; looked up once per topic and change. */
  ofTopic(topic: TopicState): Shard {
    if (topic.shard !== undefined && topic.placed === this.generation) return topic.shard
    topic.placed = this.generation
    topic.shard = this.at(topic.position)
    return topic.shard
  }

  /**
   * Makes the live shards these, with a ring built anew, and forgets which topic belongs where.
   * Shards that stay are kept with all they hold.
   */
  change(ids: ReadonlyArray<number>): Changed {
    const ring = Ring.make(ids)
    // Run here and now: what follows a change must belong to the same step of the event loop.
    const [before, after] = Effect.runSync(TxRef.modify(this.placement, (now) => {
      const shards = ring.shards.map((id) =>
        now.shards.find((shard) => shard.id === id) ?? this.makeShard(id)
      )
      const next: Placement = { ring, shards }
      return [[now, next] as const, next]
    }))
    this.publish(after)
    return {
      before: before.shards,
      added: after.shards.filter((shard) => !before.shards.includes(shard)),
      removed: before.shards.filter((shard) => !after.shards.includes(shard))
    }
  }

  private publish({ ring, shards }: Placement): void {
    const byId: Array<Shard | undefined> = []
    shards.forEach((shard) => byId[shard.id] = shard)
    this.ring = ring
    this.shards = shards
    this.byId = byId
    this.generation++
  }
}
