/**
 * From the bytes of a batch to the texts of its messages.
 *
 * Each message is cut out as bytes and decoded alone, so that one that is kept for long does not
 * keep the text of the whole batch alive, and a line of NDJSON that is not UTF-8 spoils no other.
 * Measured hot loops: they look at every byte of a batch.
 */
import * as Result from "effect/Result"
import { edgeLimits } from "./EdgeLimits.ts"
import { readValue } from "./JsonFields.ts"
import { Refusal } from "./Refusal.ts"
import { textOf } from "./Unicode.ts"

/** Where the items stand: [start, end, ...] in bytes. */
export type Spans = ReadonlyArray<number>

const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** The lines of NDJSON that are not blank. */
export const splitLines = (bytes: Uint8Array): Result.Result<Spans, Refusal> => {
  const spans: Array<number> = []
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    let first = start
    while (first < end && isSpace(bytes[first])) first++
    if (first < end) spans.push(first, end)
    if (spans.length > edgeLimits.batchMessagesMax * 2) return tooMany
    start = end + 1
  }
  return Result.succeed(spans)
}

/** The items of a JSON array; that each of them is JSON is seen when it is read. */
export const splitArray = (bytes: Uint8Array): Result.Result<Spans, Refusal> => {
  const spans: Array<number> = []
  let at = skipSpace(bytes, 0)
  if (bytes[at] !== 0x5b) return noArray(bytes)
  at = skipSpace(bytes, at + 1)
  if (bytes[at] === 0x5d) return closed(bytes, at, spans)
  for (;;) {
    const end = skipItem(bytes, at)
    if (end <= at) return noArray(bytes)
    spans.push(at, end)
    if (spans.length > edgeLimits.batchMessagesMax * 2) return tooMany
    at = skipSpace(bytes, end)
    if (bytes[at] === 0x5d) return closed(bytes, at, spans)
    if (bytes[at] !== 0x2c) return noArray(bytes)
    at = skipSpace(bytes, at + 1)
  }
}

const tooMany = Result.fail(Refusal.BatchTooLarge({ limit: edgeLimits.batchMessagesMax }))

const closed = (bytes: Uint8Array, at: number, spans: Spans) =>
  skipSpace(bytes, at + 1) === bytes.length ? Result.succeed(spans) : noArray(bytes)

const notArray = Refusal.BodyMalformed({
  kind: "NotArray",
  reason: "expected a JSON array of messages"
})

/** Valid JSON of another kind, or the parser's words for what is wrong. */
const noArray = (bytes: Uint8Array): Result.Result<never, Refusal> =>
  Result.flatMap(
    Result.flatMap(textOf(bytes), readValue),
    () => Result.fail(notArray)
  )

const skipSpace = (bytes: Uint8Array, at: number): number => {
  let index = at
  while (isSpace(bytes[index])) index++
  return index
}

/** The index after the item at `at`: at the comma or bracket that ends it, or -1. */
const skipItem = (bytes: Uint8Array, at: number): number => {
  let depth = 0
  let index = at
  while (index < bytes.length) {
    const byte = bytes[index]
    if (byte === 0x22) {
      index = skipString(bytes, index)
      if (index < 0) return -1
      continue
    }
    if (byte === 0x7b || byte === 0x5b) depth++
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return index
      depth--
    } else if (byte === 0x2c && depth === 0) return index
    index++
  }
  return -1
}

const skipString = (bytes: Uint8Array, at: number): number => {
  for (let index = at + 1; index < bytes.length; index++) {
    const byte = bytes[index]
    if (byte === 0x22) return index + 1
    if (byte === 0x5c) index++ // An escaped quote ends nothing.
  }
  return -1
}
