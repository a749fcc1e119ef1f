/**
 * The block: the messages of one commit, as a header that says where each is and their bodies.
 *
 * All numbers are little-endian. The header's checksum covers it from byte 12 on, and with it the
 * checksums of the bodies: a damaged body costs one message, a damaged header those of its block.
 *
 *     header  u32 magic, u32 version, u32 crc, u32 header bytes, u32 entries, u32 claims,
 *             f64 first and f64 last id time, f64 last time of entry, u32 topics, u32 body bytes
 *     row     u32 log lane | topic << 8, f64 offset, u32 body start, u32 body bytes, u32 size as
 *             limits count it, u32 crc of the body             (one per entry)
 *     topic   u16 length, ASCII                               (one per topic)
 *
 * This file imports nothing of the program: the store's thread uses it and must start fast.
 */
import { crc32 } from "node:zlib"

/** "CFB1" in ASCII. */
export const blockMagic = 0x31424643

/**
 * Format of blocks. A newer one is not read; of older ones, version 1 lacks what a message may say
 * about its delivery time and context (see `MessageCodec.ts`) and is read as it is.
 */
export const blockVersion = 2

/** Bytes before the rows, and of each row. */
export const blockSizes = { fixed: 56, row: 28 } as const

/** Where the fixed numbers stand. */
export const blockAt = {
  magic: 0,
  version: 4,
  crc: 8,
  headerBytes: 12,
  entries: 16,
  claims: 20,
  idMillisMin: 24,
  idMillisMax: 32,
  enteredMax: 40,
  topics: 48,
  bodyBytes: 52
} as const

/** Where the numbers of a row stand, from its start. */
export const rowAt = { lane: 0, offset: 4, start: 12, bytes: 16, size: 20, crc: 24 } as const

/** The bit of a row's first number that marks an idempotency key; the topic is above it. */
export const claimBit = 0x80

const coveredFrom = blockAt.headerBytes

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Fills in all checksums of a block that was just written. */
export const seal = (header: Uint8Array, bodies: Uint8Array): void => {
  const view = viewOf(header)
  const end = blockSizes.fixed + view.getUint32(blockAt.entries, true) * blockSizes.row
  for (let row = blockSizes.fixed; row < end; row += blockSizes.row) { // For each message stored.
    const start = view.getUint32(row + rowAt.start, true)
    const bytes = view.getUint32(row + rowAt.bytes, true)
    view.setUint32(row + rowAt.crc, crc32(bodies.subarray(start, start + bytes)), true)
  }
  view.setUint32(blockAt.crc, crc32(header.subarray(coveredFrom)), true)
}

const isReadable = (version: number): boolean => version === 1 || version === blockVersion

/** Whether a header is one, of a version that can be read, and unharmed. */
export const isIntact = (header: Uint8Array): boolean => {
  if (header.byteLength < blockSizes.fixed) return false
  const view = viewOf(header)
  return view.getUint32(blockAt.magic, true) === blockMagic &&
    isReadable(view.getUint32(blockAt.version, true)) &&
    view.getUint32(blockAt.headerBytes, true) === header.byteLength &&
    view.getUint32(blockAt.crc, true) === crc32(header.subarray(coveredFrom))
}
