/**
 * Blocks, written from log entries and read back one entry at a time.
 */
import { crc32 } from "node:zlib"
import { enteredAt } from "../../domain/Message.ts"
import { millisOfId } from "../../domain/MessageId.ts"
import { laneOfLogLane, logLaneCount, partitionOfLogLane } from "../../domain/Position.ts"
import type { LogEntry } from "../../services/MessageLog.ts"
import {
  blockAt,
  blockMagic,
  blockSizes,
  blockVersion,
  claimBit,
  isIntact,
  rowAt
} from "./BlockLayout.ts"
import { MessageWriter, readMessage } from "./MessageCodec.ts"

/** The two parts of a block as they are stored. `seq` ascends with every commit. */
export interface StoredBlock {
  readonly seq: number
  readonly header: Uint8Array
  readonly bodies: Uint8Array
}

/** Writes blocks. Keeps its buffers: a block costs one allocation, the one it is sent in. */
export class BlockWriter {
  private readonly bodies = new MessageWriter()
  private readonly next = new Float64Array(logLaneCount)
  private scratch = Buffer.allocUnsafeSlow(65_536)

  /**
   * The unsealed block of `entries`, the first of each log lane at that lane's `head`.
   *
   * Header and bodies share one buffer, which may be transferred to another thread.
   */
  write(
    seq: number,
    entries: ReadonlyArray<LogEntry>,
    head: (logLane: number) => number
  ): StoredBlock {
    const topics = new Map<string, number>()
    for (const { message } of entries) {
      if (!topics.has(message.topic)) topics.set(message.topic, topics.size)
    }
    const names = [...topics.keys()].map((name) => Buffer.from(name, "latin1"))
    const rowsEnd = blockSizes.fixed + entries.length * blockSizes.row
    const headerBytes = names.reduce((sum, name) => sum + 2 + name.length, rowsEnd)
    const header = this.headerScratch(headerBytes)
    this.writeRows(header, entries, topics, head)
    names.reduce((at, name) => {
      header.writeUInt16LE(name.length, at)
      header.set(name, at + 2)
      return at + 2 + name.length
    }, rowsEnd)
    const buffer = Buffer.allocUnsafeSlow(headerBytes + this.bodies.length)
    header.writeUInt32LE(names.length, blockAt.topics)
    header.writeUInt32LE(this.bodies.length, blockAt.bodyBytes)
    buffer.set(header)
    this.bodies.moveTo(buffer, headerBytes)
    return { seq, header: buffer.subarray(0, headerBytes), bodies: buffer.subarray(headerBytes) }
  }

  private headerScratch(bytes: number): Buffer {
    if (this.scratch.length < bytes) this.scratch = Buffer.allocUnsafeSlow(bytes * 2)
    return this.scratch.subarray(0, bytes)
  }

  /** One pass over the messages, with running values instead of objects: it runs for each one. */
  private writeRows(
    header: Buffer,
    entries: ReadonlyArray<LogEntry>,
    topics: ReadonlyMap<string, number>,
    head: (logLane: number) => number
  ): void {
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
    const { bodies, next } = this
    next.fill(-1)
    let row: number = blockSizes.fixed
    let claims = 0
    let published = 0
    let idMin = entries[0]?.message.id ?? ""
    let idMax = idMin
    for (const entry of entries) {
      const { logLane, message } = entry
      const known = next[logLane] ?? -1
      const offset = known < 0 ? head(logLane) : known
      const start = bodies.length
      next[logLane] = offset + 1
      bodies.write(entry)
      const claim = entry.fingerprint === undefined ? 0 : claimBit
      const topic = topics.get(message.topic) ?? 0
      view.setUint32(row + rowAt.lane, logLane | claim | (topic << 8), true)
      view.setFloat64(row + rowAt.offset, offset, true)
      view.setUint32(row + rowAt.start, start, true)
      view.setUint32(row + rowAt.bytes, bodies.length - start, true)
      view.setUint32(row + rowAt.size, entry.bytes, true)
      row += blockSizes.row
      if (claim !== 0) claims++
      const entered = enteredAt(message)
      if (entered > published) published = entered
      if (message.id < idMin) idMin = message.id
      else if (message.id > idMax) idMax = message.id
    }
    view.setUint32(blockAt.magic, blockMagic, true)
    view.setUint32(blockAt.version, blockVersion, true)
    view.setUint32(blockAt.headerBytes, header.byteLength, true)
    view.setUint32(blockAt.entries, entries.length, true)
    view.setUint32(blockAt.claims, claims, true)
    view.setFloat64(blockAt.idMillisMin, millisOfId(idMin), true)
    view.setFloat64(blockAt.idMillisMax, millisOfId(idMax), true)
    view.setFloat64(blockAt.enteredMax, published, true)
  }
}

/** An intact header, read in place. */
export class BlockHeader {
  /** How many entries, and how many of them carry an idempotency key. */
  readonly entries: number
  readonly claims: number
  /** The earliest and latest time an id carries, and when the last message entered (Unix ms). */
  readonly idMillisMin: number
  readonly idMillisMax: number
  readonly enteredMax: number
  readonly topics: ReadonlyArray<string>
  /** Of header and bodies. */
  readonly bytes: number
  private readonly view: DataView

  constructor(header: Uint8Array) {
    this.view = new DataView(header.buffer, header.byteOffset, header.byteLength)
    this.entries = this.view.getUint32(blockAt.entries, true)
    this.claims = this.view.getUint32(blockAt.claims, true)
    this.idMillisMin = this.view.getFloat64(blockAt.idMillisMin, true)
    this.idMillisMax = this.view.getFloat64(blockAt.idMillisMax, true)
    this.enteredMax = this.view.getFloat64(blockAt.enteredMax, true)
    this.bytes = header.byteLength + this.view.getUint32(blockAt.bodyBytes, true)
    this.topics = this.readTopics(Buffer.from(header.buffer, header.byteOffset, header.byteLength))
  }

  /** The header in `bytes`, or `undefined` when it is damaged. */
  static read(bytes: Uint8Array): BlockHeader | undefined {
    return isIntact(bytes) ? new BlockHeader(bytes) : undefined
  }

  logLane(index: number): number {
    return this.row(index, rowAt.lane) & 0x7f
  }

  hasClaim(index: number): boolean {
    return (this.row(index, rowAt.lane) & claimBit) !== 0
  }

  /** The index of the entry's topic in `topics`. */
  topic(index: number): number {
    return this.row(index, rowAt.lane) >>> 8
  }

  offset(index: number): number {
    return this.view.getFloat64(blockSizes.fixed + index * blockSizes.row + rowAt.offset, true)
  }

  /** Payload and headers in bytes, as the limits count them. */
  size(index: number): number {
    return this.row(index, rowAt.size)
  }

  /** The entry at `index`, or `undefined` when its body is damaged. Nothing of it is pending. */
  entry(index: number, bodies: Uint8Array): LogEntry | undefined {
    const start = this.row(index, rowAt.start)
    const length = this.row(index, rowAt.bytes)
    if (start + length > bodies.byteLength) return undefined
    const body = Buffer.from(bodies.buffer, bodies.byteOffset + start, length)
    if (crc32(body) !== this.row(index, rowAt.crc)) return undefined
    const logLane = this.logLane(index)
    return {
      ...readMessage(body, this.topics[this.topic(index)] ?? ""),
      bytes: this.size(index),
      partition: partitionOfLogLane(logLane),
      lane: laneOfLogLane(logLane),
      logLane,
      offset: this.offset(index),
      pending: 0
    }
  }

  private row(index: number, at: number): number {
    return this.view.getUint32(blockSizes.fixed + index * blockSizes.row + at, true)
  }

  private readTopics(bytes: Buffer): ReadonlyArray<string> {
    let at = blockSizes.fixed + this.entries * blockSizes.row // Each name starts where one ends.
    return Array.from({ length: this.view.getUint32(blockAt.topics, true) }, () => {
      const length = bytes.readUInt16LE(at)
      at += 2 + length
      return bytes.toString("latin1", at - length, at)
    })
  }
}
