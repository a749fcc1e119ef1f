/**
 * The directory: where each entry of the log is, in memory, so that reading a lane touches only the
 * blocks that hold wanted messages.
 *
 * 18 bytes per retained entry, in typed arrays: a lane of millions is filtered by topic without
 * reading anything from disk.
 */
import { logLaneCount } from "../../domain/Position.ts"
import type { BlockHeader } from "./BlockCodec.ts"
import { chunkLength, LaneChunks, lost } from "./LaneChunks.ts"

/** Where one entry is. */
export interface Place {
  readonly offset: number
  readonly block: number
  readonly index: number
}

/** A part of a lane that was looked through; go on from `next`. */
export interface Selection {
  readonly places: ReadonlyArray<Place>
  readonly bytes: number
  readonly damaged: ReadonlyArray<number>
  readonly next: number
  /** No room was left for the entry at `next`. */
  readonly full: boolean
}

/** What to look for: at most `count` entries of together at most `bytes`. */
export interface Want {
  readonly logLane: number
  readonly from: number
  /** Offsets at and above are not looked at. */
  readonly to: number
  readonly count: number
  readonly bytes: number
  /** The first entry is taken even when it alone is larger than `bytes`. */
  readonly atLeastOne: boolean
  readonly wants: (topic: string) => boolean
}

/** All lanes. Mutable on purpose: one addition for every message (hot path). */
export class Directory {
  /** Made when they are first asked for: the log of one partition has two of them. */
  private readonly lanes: Array<LaneChunks | undefined> = Array.from({ length: logLaneCount })
  /** By number: names of topics, and how many entries have them. Numbers are used again. */
  private readonly names: Array<string> = []
  private readonly uses: Array<number> = []
  private readonly spare: Array<number> = []
  private readonly numbers = new Map<string, number>()

  /** How many topics the retained entries have. */
  get topics(): number {
    return this.numbers.size
  }

  /** The offset the next entry of a lane gets. */
  head(logLane: number): number {
    return this.lane(logLane).head
  }

  /** Below it, the entries of a lane are gone. */
  first(logLane: number): number {
    return this.lane(logLane).first
  }

  /** Bytes of the entries of a lane at and above an offset. */
  bytesFrom(logLane: number, offset: number): number {
    return this.lane(logLane).bytesFrom(offset)
  }

  /**
   * The numbers of a block's topics, in the order of its header. They hold until something is
   * deleted; the entries are added before that.
   */
  topicNumbers(header: BlockHeader): ReadonlyArray<number> {
    return header.topics.map((name) => {
      const known = this.numbers.get(name)
      if (known !== undefined) return known
      const number = this.spare.pop() ?? this.names.length
      this.names[number] = name
      this.uses[number] = 0
      this.numbers.set(name, number)
      return number
    })
  }

  /** Adds entry `index` of a block; offsets that were skipped are lost. Returns its offset. */
  add(block: number, header: BlockHeader, topics: ReadonlyArray<number>, index: number): number {
    const lane = this.lane(header.logLane(index))
    const offset = header.offset(index)
    const chunk = lane.chunkFor(offset)
    const at = offset % chunkLength
    chunk.blocks[at] = block
    chunk.indexes[at] = index
    const topic = topics[header.topic(index)] ?? 0
    chunk.topics[at] = topic
    if (offset >= lane.first) this.uses[topic] = (this.uses[topic] ?? 0) + 1
    chunk.sizes[at] = header.size(index)
    chunk.bytes += header.size(index)
    if (offset >= lane.head) lane.head = offset + 1
    return offset
  }

  /** Makes `head` the least head of a lane; offsets skipped by that are lost. */
  raise(logLane: number, head: number): void {
    const lane = this.lane(logLane)
    if (head > lane.head) lane.head = head
  }

  /** Makes `first` the least first offset of a lane: what lies below is gone. */
  raiseFirst(logLane: number, first: number): void {
    this.lane(logLane).raiseFirst(first, (topic) => {
      const uses = (this.uses[topic] ?? 0) - 1
      this.uses[topic] = uses
      if (uses > 0) return
      this.numbers.delete(this.names[topic] ?? "")
      this.names[topic] = ""
      this.spare.push(topic)
    })
  }

  /** Gives up the memory of what is gone. */
  free(): void {
    for (const lane of this.lanes) lane?.free()
  }

  /** The block of the first entry at or above an offset that was not lost; infinite without one. */
  blockFrom(logLane: number, offset: number): number {
    const lane = this.lane(logLane)
    let at = Math.max(offset, lane.first) // A cursor: only what was lost is passed.
    while (at < lane.head && lane.blockAt(at) === lost) at++
    return at < lane.head ? lane.blockAt(at) : Number.POSITIVE_INFINITY
  }

  /** The first entry of a lane that is neither in a block below `block` nor lost below `needed`. */
  firstFrom(logLane: number, block: number, needed: number): number {
    const lane = this.lane(logLane)
    const end = Math.min(needed, lane.head)
    let at = lane.first // A cursor over what is about to be deleted.
    while (at < end && lane.blockAt(at) < block) at++
    return at
  }

  /** How many entries of a part of a lane are wanted. */
  count(logLane: number, from: number, to: number, wants: (topic: string) => boolean): number {
    const lane = this.lane(logLane)
    const wanted = new Map<number, boolean>()
    const end = Math.min(to, lane.head)
    let count = 0 // Measured hot loop: a subscription that lags may lag by millions.
    for (let offset = Math.max(from, lane.first); offset < end; offset++) {
      const chunk = lane.chunkAt(offset)
      const at = offset % chunkLength
      if ((chunk?.blocks[at] ?? lost) === lost) continue
      if (this.isWanted(wanted, chunk?.topics[at] ?? 0, wants)) count++
    }
    return count
  }

  /** The wanted entries of a part of a lane, ascending. */
  select({ atLeastOne, bytes, count, from, logLane, to, wants }: Want): Selection {
    const places: Array<Place> = []
    const damaged: Array<number> = []
    const lane = this.lane(logLane)
    const end = Math.min(to, lane.head)
    const wanted = new Map<number, boolean>()
    let taken = 0 // Measured hot loop: a narrow pattern passes millions of entries.
    for (let offset = Math.max(from, lane.first); offset < end; offset++) {
      const chunk = lane.chunkAt(offset)
      const at = offset % chunkLength
      const block = chunk?.blocks[at] ?? lost
      if (block === lost) {
        damaged.push(offset)
        continue
      }
      if (!this.isWanted(wanted, chunk?.topics[at] ?? 0, wants)) continue
      const size = chunk?.sizes[at] ?? 0
      const room = taken + size <= bytes || (atLeastOne && places.length === 0)
      if (places.length >= count || !room) {
        return { places, bytes: taken, damaged, next: offset, full: true }
      }
      taken += size
      places.push({ offset, block, index: chunk?.indexes[at] ?? 0 })
    }
    return { places, bytes: taken, damaged, next: Math.max(end, from, lane.first), full: false }
  }

  private isWanted(
    known: Map<number, boolean>,
    topic: number,
    wants: (topic: string) => boolean
  ): boolean {
    const before = known.get(topic)
    if (before !== undefined) return before
    const isWanted = wants(this.names[topic] ?? "")
    known.set(topic, isWanted)
    return isWanted
  }

  private lane(logLane: number): LaneChunks {
    return this.lanes[logLane] ??= new LaneChunks()
  }
}
