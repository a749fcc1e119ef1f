/**
 * Positions of tails: how far one got in every log lane, as an opaque text that its client keeps.
 *
 * The text names the log it belongs to and carries a checksum, so that one that was cut off or
 * made up is refused rather than read from anywhere.
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { hash32, logLaneCount } from "./Position.ts"

/** Longest text in characters: 128 lanes of the largest offsets. */
export const positionLengthMax = 2_048

/** How far a tail got. */
export interface TailPosition {
  /** Tells logs apart that do not outlive their process; 0 for one that does. */
  readonly log: number
  /** Of the opening of the log in which it was made. */
  readonly epoch: number
  /** The next offset of each of the 128 log lanes. */
  readonly next: Float64Array
}

/** The text is no position. Remedy: send one as it was received, or none. */
export class PositionInvalid extends Schema.TaggedError<PositionInvalid>()("PositionInvalid", {}) {
  override get message(): string {
    return "this is no position of a tail; send one as it was received, or none"
  }
}

/** Seven bits at a time, the lowest first. Division, because offsets exceed 32 bits. */
const pushVarint = (bytes: Array<number>, value: number): void => {
  let rest = value // A few turns for each of 128 numbers.
  while (rest >= 128) {
    bytes.push(128 + rest % 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

/** The text of a position. Lanes at 0 take a bit each. */
export const formatPosition = ({ epoch, log, next }: TailPosition): string => {
  const bytes: Array<number> = []
  pushVarint(bytes, log)
  pushVarint(bytes, epoch)
  for (let lane = 0; lane < logLaneCount; lane += 8) { // A bitmap of the lanes above 0.
    const inUse = [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (next[lane + bit] ?? 0) > 0)
    bytes.push(inUse.reduce((bits, bit) => bits | (1 << bit), 0))
  }
  for (const offset of next) if (offset > 0) pushVarint(bytes, offset)
  const body = Base64Url.encode(Uint8Array.from(bytes))
  return `${body}.${checksum(body)}`
}

const checksum = (body: string): string => hash32(body).toString(36)

/** Reads numbers off bytes; `NaN` once there are none left. */
class Cursor {
  private at = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  byte(): number {
    return this.bytes[this.at++] ?? Number.NaN
  }

  varint(): number {
    const byte = this.byte() // Recursion ends with the bytes: behind them is no number.
    return byte >= 128 ? byte - 128 + this.varint() * 128 : byte
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }
}

/** The position in a text. */
export const parsePosition = (text: string): Result.Result<TailPosition, PositionInvalid> => {
  const [body = "", sum = "", ...more] = text.length <= positionLengthMax ? text.split(".") : []
  const bytes = Base64Url.decode(body)
  if (Result.isFailure(bytes) || more.length > 0 || body === "" || sum !== checksum(body)) {
    return Result.fail(new PositionInvalid())
  }
  const cursor = new Cursor(bytes.success)
  const log = cursor.varint()
  const epoch = cursor.varint()
  const bitmap = Array.from({ length: logLaneCount / 8 }, () => cursor.byte())
  const next = Float64Array.from(
    { length: logLaneCount },
    (_, lane) => ((bitmap[lane >>> 3] ?? 0) >>> (lane & 7) & 1) === 1 ? cursor.varint() : 0
  )
  return cursor.isAtEnd && [log, epoch, ...next].every(Number.isSafeInteger)
    ? Result.succeed({ log, epoch, next })
    : Result.fail(new PositionInvalid())
}
