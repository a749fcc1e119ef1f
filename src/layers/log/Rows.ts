/**
 * Rows of a durable log: their stored form and the checksum over key and data.
 */
import { crc32 } from "node:zlib"
import type { DeadLetter } from "../../domain/DeadLetter.ts"
import type { Message } from "../../domain/Message.ts"
import { optionsDefault, type Subscription } from "../../domain/Subscription.ts"
import type { Cursor, Delayed, LeaseKept, OwnRow } from "../../services/MessageLog.ts"
import type { LaneBounds } from "./LogStore.ts"

/** The rows of the table `singles`. */
export const singles = { bounds: 1, leases: 2 } as const

/** The checksum of a row. */
export const checksum = (key: number | string, data: string | Uint8Array): number =>
  crc32(data, crc32(String(key)))

/** The key of a cursor's row. */
export const cursorKey = ({ incarnation, logLane }: Pick<Cursor, "incarnation" | "logLane">) =>
  incarnation * 128 + logLane

/** A cursor as numbers: floor, length of the ranges, ranges, attempts. */
export const writeCursor = ({ attempts, floor, ranges }: Cursor): Uint8Array =>
  new Uint8Array(Float64Array.from([floor, ranges.length, ...ranges, ...attempts]).buffer)

/** The cursor in a row. */
export const readCursor = (key: number, data: Uint8Array): Cursor => {
  const numbers = [...new Float64Array(Uint8Array.from(data).buffer)]
  const [floor = 0, rangesLength = 0] = numbers
  return {
    incarnation: Math.floor(key / 128),
    logLane: key % 128,
    floor,
    ranges: numbers.slice(2, 2 + rangesLength),
    attempts: numbers.slice(2 + rangesLength)
  }
}

/** JSON drops absent fields; a message has them all, so that all share one shape in memory. */
const withAllFields = (message: Message): Message => ({
  id: message.id,
  topic: message.topic,
  payload: message.payload,
  priority: message.priority,
  key: message.key,
  idempotencyKey: message.idempotencyKey,
  headers: message.headers,
  contentType: message.contentType,
  traceparent: message.traceparent,
  publishedAt: message.publishedAt,
  deliverAt: message.deliverAt,
  expiresAt: message.expiresAt,
  context: message.context,
  replayOf: message.replayOf
})

/** The own row, dead letter or delayed message in a row's JSON text. */
export const readWithMessage = <A extends OwnRow | DeadLetter | Delayed>(data: string): A => {
  const row: A = JSON.parse(data) // Written by this program; the checksum says it is unchanged.
  return { ...row, message: withAllFields(row.message) }
}

/** The subscription in a row's JSON text; options that its version did not have are at default. */
export const readSubscription = (data: string): Subscription => {
  const row: Subscription = JSON.parse(data) // Written by this program, as above.
  return { ...row, options: { ...optionsDefault, ...row.options } }
}

/** The own row in a row's JSON text; it has all fields, as its message. */
export const readOwnRow = (data: string): OwnRow => {
  const row = readWithMessage<OwnRow>(data)
  return { ...row, parked: row.parked }
}

/** The delayed message in a row's JSON text; it has all fields, as its message. */
export const readDelayed = (data: string): Delayed => {
  const row = readWithMessage<Delayed>(data)
  return { ...row, fingerprint: row.fingerprint }
}

const bytesOf = (numbers: Float64Array): Uint8Array =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)

const numbersOf = (data: Uint8Array): Float64Array => new Float64Array(Uint8Array.from(data).buffer)

/** Bytes with their checksum in front, for columns that have none beside them. */
export const sealed = (data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(data.byteLength + 4)
  bytes.set(data, 4)
  new DataView(bytes.buffer).setUint32(0, crc32(data), true)
  return bytes
}

/** What is read from sealed bytes; nothing when there are none, or when they were changed. */
export const unsealed = <A>(
  bytes: unknown,
  read: (data: Uint8Array) => A
): A | undefined => {
  if (!(bytes instanceof Uint8Array) || bytes.byteLength < 4) return undefined
  const data = bytes.subarray(4)
  const crc = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  return crc === crc32(data) ? read(data) : undefined
}

/** Bounds of lanes as numbers: the heads, the firsts, the latest id time. */
export const writeBounds = ({ firsts, heads, idMillisMax }: LaneBounds): Uint8Array =>
  bytesOf(Float64Array.from([...heads, ...firsts, idMillisMax]))

/** The bounds in a row. */
export const readBounds = (data: Uint8Array): LaneBounds => {
  const numbers = numbersOf(data)
  const lanes = (numbers.length - 1) / 2
  return {
    heads: numbers.slice(0, lanes),
    firsts: numbers.slice(lanes, 2 * lanes),
    idMillisMax: numbers[2 * lanes] ?? 0
  }
}

/** Leases as JSON. */
export const writeLeases = (leases: ReadonlyArray<LeaseKept>): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(leases))

/** The leases in a row, which has all fields. */
export const readLeases = (data: Uint8Array): ReadonlyArray<LeaseKept> => {
  if (data[0] !== "[".charCodeAt(0)) return readFirstLeases(data)
  // Written by this program, as above.
  const leases: ReadonlyArray<LeaseKept> = JSON.parse(new TextDecoder().decode(data))
  return leases.map((lease) => ({ ...lease, order: lease.order }))
}

/**
 * Leases as they were first written: five numbers for each. The first is an incarnation, whose
 * lowest byte as a number of 64 bits is 0 up to 2^45.
 */
const readFirstLeases = (data: Uint8Array): ReadonlyArray<LeaseKept> => {
  const numbers = numbersOf(data)
  return Array.from({ length: numbers.length / 5 }, (_, at) => {
    const [incarnation = 0, logLane = 0, offset = 0, attempt = 0, leaseUntil = 0] = numbers
      .subarray(at * 5)
    return { incarnation, logLane, offset, attempt, leaseUntil, order: undefined }
  })
}
