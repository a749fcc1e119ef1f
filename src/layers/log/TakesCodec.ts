/**
 * Hand-outs as bytes: how both journals of attempts keep them.
 *
 *     take    u32 incarnation, u32 log lane, f64 offset, u32 attempt     (little-endian)
 */
import type { Take } from "../../services/MessageLog.ts"

/** Bytes of one hand-out. */
export const takeBytes = 20

/** Writes hand-outs one behind the other, from `start` on. */
export const writeTakes = (buffer: Buffer, start: number, takes: ReadonlyArray<Take>): void => {
  let at = start // A cursor over the takes of a tick (hot path).
  for (const { attempt, incarnation, logLane, offset } of takes) {
    buffer.writeUInt32LE(incarnation, at)
    buffer.writeUInt32LE(logLane, at + 4)
    buffer.writeDoubleLE(offset, at + 8)
    buffer.writeUInt32LE(attempt, at + 16)
    at += takeBytes
  }
}

/** The hand-outs in `bytes`, which hold nothing else. */
export const readTakes = (bytes: Buffer): ReadonlyArray<Take> =>
  Array.from({ length: Math.floor(bytes.length / takeBytes) }, (_, index) => {
    const at = index * takeBytes
    return {
      incarnation: bytes.readUInt32LE(at),
      logLane: bytes.readUInt32LE(at + 4),
      offset: bytes.readDoubleLE(at + 8),
      attempt: bytes.readUInt32LE(at + 16)
    }
  })
