/**
 * The blocks used last, up to a number of bytes.
 *
 * Consumers that read the log follow its head closely and lane by lane, so the same few blocks are
 * wanted again and again. Blocks are kept as bytes: they weigh nothing on the garbage collector.
 */
import type { BlockHeader, StoredBlock } from "./BlockCodec.ts"

/** A block at hand; `undefined` as header when it is damaged. */
export interface CachedBlock {
  readonly header: BlockHeader | undefined
  readonly bodies: Uint8Array
}

/** Evicts the block that was not used for the longest time. */
export class BlockCache {
  private readonly blocks = new Map<number, CachedBlock & { readonly bytes: number }>()
  private bytes = 0
  private readonly bytesMax: number

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** The block, when it is here; that counts as a use. */
  get(seq: number): CachedBlock | undefined {
    const block = this.blocks.get(seq)
    if (block === undefined) return undefined
    this.blocks.delete(seq)
    this.blocks.set(seq, block)
    return block
  }

  /** Forgets all blocks below one. */
  drop(below: number): void {
    for (const [seq, { bytes }] of this.blocks) { // No more than fit into the cache.
      if (seq < below && this.blocks.delete(seq)) this.bytes -= bytes
    }
  }

  /** Keeps a block; one larger than the limit is not kept. */
  add(block: StoredBlock, header: BlockHeader | undefined): CachedBlock {
    const bytes = block.header.byteLength + block.bodies.byteLength
    const cached = { header, bodies: block.bodies, bytes }
    if (bytes > this.bytesMax || this.blocks.has(block.seq)) return cached
    this.blocks.set(block.seq, cached)
    this.bytes += bytes
    for (const [seq, oldest] of this.blocks) {
      if (this.bytes <= this.bytesMax) break
      this.blocks.delete(seq)
      this.bytes -= oldest.bytes
    }
    return cached
  }
}
