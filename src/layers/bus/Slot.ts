/**
 * A slot: the place in a shard's memory that one message occupies while a delivery of it is
 * unsettled. Reserved before the append, so that an offer after the write cannot fail.
 */
import type { Lane } from "../../domain/Priority.ts"
import type { Shard } from "./Shard.ts"

/** One place. `holders` counts the deliveries that keep it. */
export class Slot {
  /** Where it is counted. A resize moves it; one whose append waits moves when that commits. */
  shard: Shard
  readonly position: number
  readonly lane: Lane
  readonly bytes: number
  holders = 0

  constructor(shard: Shard, position: number, lane: Lane, bytes: number) {
    this.shard = shard
    this.position = position
    this.lane = lane
    this.bytes = bytes
    shard.fillBy(1, lane, bytes)
  }

  /** Gives the place back once no delivery holds it. */
  release(): void {
    if (--this.holders > 0) return
    this.free()
  }

  /** Gives the place back at once: the append was refused, or nothing matched. */
  free(): void {
    this.shard.fillBy(-1, this.lane, -this.bytes)
  }

  /** Lets another shard count it. */
  moveTo(shard: Shard): void {
    if (shard === this.shard) return
    this.free()
    this.shard = shard
    shard.fillBy(1, this.lane, this.bytes)
  }
}
