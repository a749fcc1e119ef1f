/**
 * Position and partition: where a message lives.
 *
 * The position is a strong hash of the topic, or of topic NUL key, so that messages of one key meet
 * at one place. Its top six bits are the partition, the unit of the log and of ownership; the ring
 * maps the whole of it to a shard. It must be equal on every platform and for ever: stored offsets
 * depend on it.
 */
import * as Schema from "effect/Schema"
import type { Lane } from "./Priority.ts"

/** Partitions of the log. Source: design, section 5; fixed for the life of a log. */
export const partitionCount = 64

/** Every partition. */
export const allPartitions: ReadonlyArray<number> = Array.from(
  { length: partitionCount },
  (_, partition) => partition
)

/** Log lanes: a high and a normal one per partition, each with offsets of its own. */
export const logLaneCount = partitionCount * 2

/** 0 to 63. */
export const Partition = Schema.Int.check(
  Schema.isBetween({ minimum: 0, maximum: partitionCount - 1 })
)
/** A checked partition. */
export type Partition = typeof Partition.Type

/**
 * MurmurHash3 (x86, 32 bit, seed 0) of the text's UTF-16 code units, little-endian.
 *
 * Chosen over FNV because short, similar names ("orders.1", "orders.2") must spread evenly.
 */
export const hash32 = (text: string): number => {
  const pairs = text.length >>> 1
  let hash = 0 // Measured hot loop: one pass without allocation for every keyed message.
  for (let index = 0; index < pairs; index++) {
    hash ^= scramble(text.charCodeAt(index * 2) | (text.charCodeAt(index * 2 + 1) << 16))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  if (text.length & 1) hash ^= scramble(text.charCodeAt(text.length - 1))
  return finish(hash ^ (text.length * 2))
}

const scramble = (block: number): number => {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

const finish = (hash: number): number => {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) >>> 0
}

/** What order is kept by: the topic, or topic NUL key (no topic contains NUL). */
export const orderText = (topic: string, key: string | undefined): string =>
  key === undefined ? topic : `${topic}\0${key}`

/** The partition of a position: its top six bits. */
export const partitionOf = (position: number): number => position >>> 26

/** The index of a lane of a partition among all 128. */
export const logLaneOf = (partition: number, lane: Lane): number => partition * 2 + lane

/** The lane (high or normal) of a log lane. */
export const laneOfLogLane = (logLane: number): Lane => (logLane & 1) === 0 ? 0 : 1

/** The partition of a log lane. */
export const partitionOfLogLane = (logLane: number): number => logLane >>> 1

/**
 * The least number at or above `least` that names a partition, for rows that are numbered: what
 * belongs to a partition is known by its number alone.
 */
export const numberOf = (least: number, partition: number): number => {
  const number = least - (least % partitionCount) + partition
  return number < least ? number + partitionCount : number
}

/** The partition that a number names. */
export const partitionOfNumber = (number: number): number => number % partitionCount
