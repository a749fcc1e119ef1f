/**
 * A slot: the place in a shard's memory that one message occupies while a delivery of it is
 * unsettled. Reserved before the append, so that an offer after the write cannot fail.
 */
import type { Lane } from "../../domain/Priority.ts"
import type { Consumer } from "./Consumer.ts"
import type { Shard } from "./Shard.ts"

/** One place. `holders` counts the deliveries that keep it. */
export class Slot {
  /** Where it is counted. A resize moves it; one whose append waits moves when that commits. */
  shard: Shard
  readonly position: number
  readonly lane: Lane
  readonly bytes: number
  holders = 0
  /** Consumers that ever held it; 1 once it cannot be one consumer's alone. */
  shared = 0
  /** Sum of the numbers of the consumers that hold it: the number of the last one. */
  holderSum = 0
  /** Whose it is alone, once all others settled. */
  private sole: Consumer | undefined = undefined

  constructor(shard: Shard, position: number, lane: Lane, bytes: number) {
    this.shard = shard
    this.position = position
    this.lane = lane
    this.bytes = bytes
    shard.fillBy(1, lane, bytes)
  }

  /** A delivery of this consumer keeps it. */
  hold(consumer: Consumer): void {
    this.holders++
    this.shared++
    this.holderSum += consumer.number
  }

  /** A delivery of this consumer needs it no more. */
  leave(consumer: Consumer): void {
    this.holderSum -= consumer.number
    this.release()
  }

  /** Gives the place back once no delivery holds it. */
  release(): void {
    if (--this.holders > 0) return
    this.countSole(-1)
    this.free()
  }

  /** All others settled, so this consumer holds it alone. */
  belongTo(consumer: Consumer): void {
    this.sole = consumer
    this.countSole(1)
  }

  private countSole(by: 1 | -1): void {
    if (this.sole === undefined) return
    const share = this.sole.soleOf(this.shard.id)
    share.slots += by
    share.bytes += by * this.bytes
  }

  /** Gives the place back at once: the append was refused, or nothing matched. */
  free(): void {
    this.shard.fillBy(-1, this.lane, -this.bytes)
  }

  /** Lets another shard count it. */
  moveTo(shard: Shard): void {
    if (shard === this.shard) return
    this.countSole(-1)
    this.free()
    this.shard = shard
    shard.fillBy(1, this.lane, this.bytes)
    this.countSole(1)
  }
}
