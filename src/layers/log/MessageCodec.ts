/**
 * The stored form of one message: a few numbers, then all its texts as one UTF-8 text.
 *
 * One text rather than one per field, because each call into the encoder costs as much as all
 * numbers together; the lengths that cut it apart again count UTF-16 units, which need no encoding.
 * The topic is not in it: a block stores each of its topics once.
 *
 *     u8 which optional fields are present, u8 priority (4 bits) and which of two more,
 *     f64 publishedAt, [f64 expiresAt], [f64 deliverAt], u32 length of the id and of each present
 *     text, then the texts, last the payload
 *
 * Version 1 of blocks had neither of the two; the bits that stand for them were 0.
 */
import type { Message } from "../../domain/Message.ts"
import type { LogEntry } from "../../services/MessageLog.ts"

/** Bytes of the numbers when every optional field is present. */
const numbersBytesMax = 2 + 8 * 3 + 9 * 4

/** Scratch that is kept between blocks; a larger one is given back. */
const scratchBytesKept = 4 * 1_048_576

/** Shorter payloads are joined with the other texts before they are encoded. Measured. */
const payloadLengthJoined = 512

/** Bits of the first byte, then of the second. They are for life: what is stored needs them. */
const has = {
  key: 1,
  idempotencyKey: 2,
  headers: 4,
  contentType: 8,
  traceparent: 16,
  expiresAt: 32,
  replayOf: 64,
  fingerprint: 128,
  deliverAt: 0x10 << 8,
  context: 0x20 << 8
} as const

/** The bits of the second byte that hold the priority. */
const priorityBits = 0x0f

/** Writes messages one behind the other into a buffer that grows and is used again. */
export class MessageWriter {
  /** Bytes written since the last `take`. */
  length = 0
  private buffer = Buffer.allocUnsafeSlow(65_536)
  private view = new DataView(this.buffer.buffer)

  /** Writes one message; mutable positions instead of objects, for this runs for each message. */
  write({ fingerprint, message }: LogEntry): void {
    const { contentType, deliverAt, expiresAt, headers, idempotencyKey, key } = message
    const { context, replayOf, traceparent } = message
    const start = this.length
    let text: string = message.id
    let present = 0
    this.reserve(numbersBytesMax)
    const view = this.view
    view.setFloat64(start + 2, message.publishedAt, true)
    let at = start + 10
    if (expiresAt !== undefined) {
      present |= has.expiresAt
      view.setFloat64(at, expiresAt, true)
      at += 8
    }
    if (deliverAt !== undefined) {
      present |= has.deliverAt
      view.setFloat64(at, deliverAt, true)
      at += 8
    }
    view.setUint32(at, text.length, true)
    at += 4
    const add = (bit: number, value: string | undefined): void => {
      if (value === undefined) return
      present |= bit
      view.setUint32(at, value.length, true)
      at += 4
      text += value
    }
    add(has.key, key)
    add(has.idempotencyKey, idempotencyKey)
    add(has.headers, headers)
    add(has.contentType, contentType)
    add(has.traceparent, traceparent)
    add(has.replayOf, replayOf)
    add(has.fingerprint, fingerprint)
    add(has.context, context)
    view.setUint16(start, present | (message.priority << 8), true)
    this.length = at
    // Joining a long payload costs more than a second call into the encoder.
    if (message.payload.length < payloadLengthJoined) this.encode(text + message.payload)
    else {
      this.encode(text)
      this.encode(message.payload)
    }
  }

  /** Copies what was written to `target` and starts anew. */
  moveTo(target: Uint8Array, at: number): void {
    target.set(this.buffer.subarray(0, this.length), at)
    this.length = 0
    if (this.buffer.length > scratchBytesKept) this.allocate(65_536)
  }

  private encode(text: string): void {
    // Three bytes per unit is the most UTF-8 needs; counting exactly pays only for long texts.
    this.reserve(text.length < 16_384 ? text.length * 3 : Buffer.byteLength(text))
    this.length += this.buffer.write(text, this.length)
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return
    const written = this.buffer.subarray(0, this.length)
    this.allocate(Math.max(this.buffer.length * 2, this.length + bytes))
    this.buffer.set(written)
  }

  private allocate(bytes: number): void {
    this.buffer = Buffer.allocUnsafeSlow(bytes)
    this.view = new DataView(this.buffer.buffer)
  }
}

/** A message and the fingerprint of its body, as written. `bytes` must have been verified. */
export const readMessage = (
  bytes: Buffer,
  topic: string
): { readonly message: Message; readonly fingerprint: string | undefined } => {
  const present = bytes.readUInt16LE(0)
  let at = 10 // A cursor over the numbers, and below one over the texts.
  const expiresAt = (present & has.expiresAt) === 0 ? undefined : bytes.readDoubleLE(at)
  if (expiresAt !== undefined) at += 8
  const deliverAt = (present & has.deliverAt) === 0 ? undefined : bytes.readDoubleLE(at)
  if (deliverAt !== undefined) at += 8
  const idLength = bytes.readUInt32LE(at)
  at += 4
  const lengthOf = (bit: number): number => {
    if ((present & bit) === 0) return -1
    at += 4
    return bytes.readUInt32LE(at - 4)
  }
  const lengths = textBits.map(lengthOf)
  const text = bytes.toString("utf8", at)
  let from = idLength // Each text starts where the one before it ends.
  const texts = lengths.map((length) => {
    if (length < 0) return undefined
    from += length
    return text.slice(from - length, from)
  })
  const [key, idempotencyKey, headers, contentType, traceparent, replayOf] = texts
  const [fingerprint, context] = texts.slice(6)
  const message = {
    id: text.slice(0, idLength),
    topic,
    payload: text.slice(from),
    priority: (present >>> 8) & priorityBits,
    key,
    idempotencyKey,
    headers,
    contentType,
    traceparent,
    publishedAt: bytes.readDoubleLE(2),
    deliverAt,
    expiresAt,
    context,
    replayOf
  }
  return { message: message as Message, fingerprint } // Checked when written, and by checksum now.
}

const textBits = [
  has.key,
  has.idempotencyKey,
  has.headers,
  has.contentType,
  has.traceparent,
  has.replayOf,
  has.fingerprint,
  has.context
]
