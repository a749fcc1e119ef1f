/**
 * The directory: where each entry of the log is, in memory, so that reading a lane touches only the
 * blocks that hold wanted messages.
 *
 * 18 bytes per retained entry, in typed arrays: a lane of millions is filtered by topic without
 * reading anything from disk.
 */
import { logLaneCount } from "../../domain/Position.ts"
import type { BlockHeader } from "./BlockCodec.ts"

/** Entries per chunk of a lane. */
const chunkLength = 1_024

/** Stands for the block of an offset whose block was lost. */
const lost = -1

/** Entries of one lane: block number, index in the block, topic number, size in bytes. */
interface Chunk {
  readonly blocks: Float64Array
  readonly indexes: Uint16Array
  readonly topics: Uint32Array
  readonly sizes: Uint32Array
}

const makeChunk = (): Chunk => ({
  blocks: new Float64Array(chunkLength).fill(lost),
  indexes: new Uint16Array(chunkLength),
  topics: new Uint32Array(chunkLength),
  sizes: new Uint32Array(chunkLength)
})

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
  private readonly heads = new Float64Array(logLaneCount)
  private readonly lanes: ReadonlyArray<Array<Chunk>> = Array.from(
    { length: logLaneCount },
    () => []
  )
  private readonly names: Array<string> = []
  private readonly numbers = new Map<string, number>()

  /** The offset the next entry of a lane gets. */
  head(logLane: number): number {
    return this.heads[logLane] ?? 0
  }

  /** The numbers of a block's topics, in the order of its header. */
  topicNumbers(header: BlockHeader): ReadonlyArray<number> {
    return header.topics.map((name) => {
      const known = this.numbers.get(name)
      if (known !== undefined) return known
      this.numbers.set(name, this.names.length)
      return this.names.push(name) - 1
    })
  }

  /** Adds entry `index` of a block; offsets that were skipped are lost. Returns its offset. */
  add(block: number, header: BlockHeader, topics: ReadonlyArray<number>, index: number): number {
    const logLane = header.logLane(index)
    const offset = header.offset(index)
    const chunk = this.chunkFor(logLane, offset)
    const at = offset % chunkLength
    chunk.blocks[at] = block
    chunk.indexes[at] = index
    chunk.topics[at] = topics[header.topic(index)] ?? 0
    chunk.sizes[at] = header.size(index)
    this.raise(logLane, offset + 1)
    return offset
  }

  /** Makes `head` the least head of a lane; offsets skipped by that are lost. */
  raise(logLane: number, head: number): void {
    if (head > this.head(logLane)) this.heads[logLane] = head
  }

  /** The wanted entries of a part of a lane, ascending. */
  select({ atLeastOne, bytes, count, from, logLane, to, wants }: Want): Selection {
    const places: Array<Place> = []
    const damaged: Array<number> = []
    const end = Math.min(to, this.head(logLane))
    const wanted = new Map<number, boolean>()
    let taken = 0 // Measured hot loop: a narrow pattern passes millions of entries.
    for (let offset = from; offset < end; offset++) {
      const chunk = this.lanes[logLane]?.[Math.floor(offset / chunkLength)]
      const at = offset % chunkLength
      const block = chunk?.blocks[at] ?? lost
      if (block === lost) {
        damaged.push(offset)
        continue
      }
      const topic = chunk?.topics[at] ?? 0
      const known = wanted.get(topic)
      const isWanted = known ?? wants(this.names[topic] ?? "")
      if (known === undefined) wanted.set(topic, isWanted)
      if (!isWanted) continue
      const size = chunk?.sizes[at] ?? 0
      const room = taken + size <= bytes || (atLeastOne && places.length === 0)
      if (places.length >= count || !room) {
        return { places, bytes: taken, damaged, next: offset, full: true }
      }
      taken += size
      places.push({ offset, block, index: chunk?.indexes[at] ?? 0 })
    }
    return { places, bytes: taken, damaged, next: Math.max(end, from), full: false }
  }

  private chunkFor(logLane: number, offset: number): Chunk {
    const lane = this.lanes[logLane] ?? []
    const wanted = Math.floor(offset / chunkLength)
    while (lane.length <= wanted) lane.push(makeChunk())
    return lane[wanted] ?? makeChunk()
  }
}
