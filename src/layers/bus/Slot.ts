/**
 * A slot: the place in a shard's memory that one message occupies while a delivery of it is
 * unsettled. Reserved before the append, so that an offer after the write cannot fail.
 */
import type { Shard } from "./Shard.ts"

/** One place. `holders` counts the deliveries that keep it. */
export class Slot {
  readonly shard: Shard
  readonly bytes: number
  holders = 0

  constructor(shard: Shard, bytes: number) {
    this.shard = shard
    this.bytes = bytes
    shard.slots++
    shard.bytes += bytes
  }

  /** Gives the place back once no delivery holds it. */
  release(): void {
    if (--this.holders > 0) return
    this.free()
  }

  /** Gives the place back at once: the append was refused, or nothing matched. */
  free(): void {
    this.shard.slots--
    this.shard.bytes -= this.bytes
  }
}
