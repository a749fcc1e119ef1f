/**
 * The entries of one log lane as the directory keeps them: chunks of typed arrays, the oldest of
 * which can be given up.
 */

/** Entries per chunk. */
export const chunkLength = 1_024

/** Stands for the block of an offset whose block was lost. */
export const lost = -1

/** Block number, index in the block, topic number and size in bytes of each entry. */
export interface Chunk {
  readonly blocks: Float64Array
  readonly indexes: Uint16Array
  readonly topics: Uint32Array
  readonly sizes: Uint32Array
  /** Of all its entries. */
  bytes: number
}

const makeChunk = (): Chunk => ({
  blocks: new Float64Array(chunkLength).fill(lost),
  indexes: new Uint16Array(chunkLength),
  topics: new Uint32Array(chunkLength),
  sizes: new Uint32Array(chunkLength),
  bytes: 0
})

/** One lane. Mutable on purpose: one addition for every message (hot path). */
export class LaneChunks {
  /** Entries below are gone. */
  first = 0
  /** The offset the next entry gets. */
  head = 0
  private readonly chunks: Array<Chunk> = []
  /** The number of the first chunk: they are numbered by their offsets. */
  private base = 0

  /** The chunk that holds an offset, if there is one; `offset % chunkLength` is the place in it. */
  chunkAt(offset: number): Chunk | undefined {
    return this.chunks[Math.floor(offset / chunkLength) - this.base]
  }

  /** The block of an offset, or `lost`. */
  blockAt(offset: number): number {
    return this.chunkAt(offset)?.blocks[offset % chunkLength] ?? lost
  }

  /** The chunk for an offset, made when it is missing; `offset` is not below `first`. */
  chunkFor(offset: number): Chunk {
    const wanted = Math.floor(offset / chunkLength)
    if (this.chunks.length === 0) this.base = Math.floor(this.first / chunkLength)
    while (this.base + this.chunks.length <= wanted) this.chunks.push(makeChunk())
    return this.chunks[wanted - this.base] ?? makeChunk()
  }

  /** Bytes of the entries at and above an offset. */
  bytesFrom(offset: number): number {
    const from = Math.max(offset, this.first)
    const whole = Math.ceil(from / chunkLength)
    let bytes = 0 // Running sums: the rest of one chunk, then one number per chunk.
    const end = Math.min(whole * chunkLength, this.head)
    const sizes = this.chunkAt(from)?.sizes
    for (let at = from; at < end; at++) bytes += sizes?.[at % chunkLength] ?? 0
    const { length } = this.chunks
    for (let at = whole - this.base; at < length; at++) bytes += this.chunks[at]?.bytes ?? 0
    return bytes
  }

  /** Makes `first` the least first offset; tells of the topic of each entry that goes by that. */
  raiseFirst(first: number, gone: (topic: number) => void): void {
    const end = Math.min(first, this.head)
    if (end <= this.first) return
    const from = Math.max(this.first, this.base * chunkLength)
    const to = Math.min(end, (this.base + this.chunks.length) * chunkLength)
    for (let at = from; at < to; at++) { // As many as are deleted, and none that was never here.
      if (this.blockAt(at) !== lost) gone(this.chunkAt(at)?.topics[at % chunkLength] ?? 0)
    }
    this.first = end
  }

  /** Gives up the chunks that hold nothing at or above `first`. */
  free(): void {
    const gone = Math.min(this.chunks.length, Math.floor(this.first / chunkLength) - this.base)
    if (gone <= 0) return
    this.chunks.splice(0, gone)
    this.base += gone
  }
}
