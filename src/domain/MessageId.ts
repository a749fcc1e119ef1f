/**
 * Message ids: UUIDv7 that carry their partition, so that a message is found by its id alone.
 *
 * Layout (RFC 9562): 48 bits of Unix milliseconds, version 7, a 12-bit counter within the
 * millisecond, the variant with the partition in the six bits beside it, 48 random bits. Ids of one
 * maker strictly ascend, also when the clock stands still or steps back.
 */
import * as Schema from "effect/Schema"

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A UUIDv7 in lower case. */
export const MessageId = Schema.String.check(
  Schema.isPattern(shape, { message: "expected a UUIDv7 in lower case" })
).pipe(Schema.brand("MessageId"))
/** A checked message id. */
export type MessageId = typeof MessageId.Type

/** Whether `text` is a message id. */
export const isMessageId = (text: string): text is MessageId => shape.test(text)

/** The partition an id carries: 0 to 63. */
export const partitionOfId = (id: string): number => Number.parseInt(id.slice(19, 21), 16) & 0x3f

/** The Unix milliseconds an id carries. */
export const millisOfId = (id: string): number =>
  Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const hex16 = (value: number): string => `${hex[(value >>> 8) & 0xff]}${hex[value & 0xff]}`

/** Ids that fit into one millisecond before the maker borrows from the next. */
const counterMax = 0xfff

/**
 * A maker of ids: `next(now, partition)`.
 *
 * `random32` gives 32 random bits per call; `notBefore` (Unix milliseconds) is the last time a
 * stored id carries, so that ids ascend across restarts too.
 */
export const makeIds = (random32: () => number, notBefore: number) => {
  let millis = notBefore // Mutable on purpose: a counter on the hot path, private to this maker.
  let counter = counterMax
  let prefix = ""
  return (now: number, partition: number): MessageId => {
    if (now > millis || counter === counterMax) {
      millis = now > millis ? now : millis + 1
      counter = 0
      const high = Math.floor(millis / 0x10000)
      prefix = `${hex16(high >>> 16)}${hex16(high)}-${hex16(millis % 0x10000)}-`
    } else counter++
    const a = random32()
    const b = random32()
    const text = `${prefix}${hex16(0x7000 | counter)}-${hex[0x80 | partition]}${hex[a & 0xff]}-` +
      `${hex16(a >>> 8)}${hex16(b)}${hex16(b >>> 16)}`
    return text as MessageId // The layout above is the proof; checking costs more than making.
  }
}
