/**
 * What the block log knows in memory about its blocks: the directory, their times, the last used
 * ones, and how many there are.
 */
import { BlockCache } from "./BlockCache.ts"
import type { BlockHeader, StoredBlock } from "./BlockCodec.ts"
import { BlockTimes } from "./BlockTimes.ts"
import { Directory } from "./Directory.ts"

/** Mutable on purpose: it grows with every commit. */
export class BlockIndex {
  readonly directory = new Directory()
  readonly times = new BlockTimes()
  readonly cache: BlockCache
  /** The number of the next block. */
  nextBlock = 1
  /** Bytes that the store occupies. */
  sizeBytes = 0
  /** The latest time an id carries (Unix milliseconds), also of blocks that are gone. */
  idMillisMax = 0

  /** An empty index that keeps so many bytes of blocks at hand. */
  constructor(cacheBytesMax: number) {
    this.cache = new BlockCache(cacheBytesMax)
  }

  /** The offset that the next entry of a log lane gets. */
  readonly head = (logLane: number): number => this.directory.head(logLane)

  /** Adds a block and all its entries. */
  addAll(seq: number, header: BlockHeader): void {
    const add = this.entryAdder(seq, header)
    for (let entry = 0; entry < header.entries; entry++) add() // 100,000 times at a start.
  }

  /** Adds a block and keeps it at hand; each call of the result adds its next entry. */
  adder(block: StoredBlock, header: BlockHeader): () => number {
    this.cache.add(block, header)
    return this.entryAdder(block.seq, header)
  }

  /** Forgets the blocks below one, and all entries below the first of each lane. */
  drop(below: number): void {
    this.directory.free()
    this.times.drop(below)
    this.cache.drop(below)
  }

  private entryAdder(seq: number, header: BlockHeader): () => number {
    const { directory } = this
    const topics = directory.topicNumbers(header)
    const { bytes, claims, enteredMax, idMillisMax, idMillisMin } = header
    this.times.add({ block: seq, idMillisMin, idMillisMax, enteredMax, bytes, claims })
    if (idMillisMax > this.idMillisMax) this.idMillisMax = idMillisMax
    this.nextBlock = seq + 1
    let entry = 0 // The entries of a block are added one by one, between the callbacks.
    return () => directory.add(seq, header, topics, entry++)
  }
}
