/**
 * Well-formed Unicode: bytes that are UTF-8, strings without half a surrogate pair.
 */
import * as Result from "effect/Result"
import { Refusal } from "./Refusal.ts"

/** A byte-order mark is kept, and so refused as JSON: text is taken byte for byte. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text of UTF-8 bytes. */
export const textOf = (bytes: Uint8Array): Result.Result<string, Refusal> =>
  Result.try({ try: () => decoder.decode(bytes), catch: notUtf8 })

const notUtf8 = () => Refusal.BodyMalformed({ kind: "NotUtf8", reason: "not UTF-8" })

const encoder = new TextEncoder()

/** UTF-8 bytes of a text; `ascii` says that it has nothing beyond ASCII, which is then free. */
export const utf8Bytes = (text: string, ascii: boolean): number =>
  ascii ? text.length : encoder.encode(text).length

const surrogateEscape = /\\u[dD][89abAB]|\\u[dD][c-fC-F]/
const escape = /\\(?:u([0-9a-fA-F]{4})|.)/g

/**
 * Whether every string in valid JSON text is well-formed.
 *
 * Decoded text holds no half of a pair, so only escapes can: a high half has to be followed at once
 * by a low one. Text without such an escape, as nearly all is, costs one search.
 */
export const escapesWellFormed = (json: string): boolean => {
  if (!surrogateEscape.test(json)) return true
  let highEndsAt = -1 // One pass: index after the last high half, or -1 when none waits.
  for (const match of json.matchAll(escape)) {
    const unit = match[1] === undefined ? 0 : Number.parseInt(match[1], 16)
    const low = unit >= 0xdc00 && unit <= 0xdfff
    if (low !== (highEndsAt === match.index)) return false
    if (highEndsAt >= 0 && !low) return false
    highEndsAt = unit >= 0xd800 && unit <= 0xdbff ? match.index + 6 : -1
  }
  return highEndsAt < 0
}
