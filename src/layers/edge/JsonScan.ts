/**
 * The scanner: where values stand in JSON text.
 *
 * It finds the ends of values without looking into them, so that the text of a payload is cut out
 * byte for byte; `JSON.parse` then says whether it is JSON. Text that is no JSON gets some answer
 * here, never an endless loop, and no recursion: nesting is a counter. Measured hot loops: they run
 * for every message.
 */
import { payloadDepthMax } from "../../domain/Message.ts"

/** Instead of an end: the text ends inside the value, or something else stands there. */
export const malformed = -1

/** Instead of an end: nested deeper than the limit. */
export const tooDeep = -2

const quote = 0x22
const backslash = 0x5c

/** The first index from `at` on that is no white space. */
export const skipSpace = (text: string, at: number): number => {
  let index = at
  for (;;) {
    const code = text.charCodeAt(index)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return index
    index++
  }
}

/** The index after the string that starts at `at`, or `malformed`. */
export const skipString = (text: string, at: number): number => {
  let from = at + 1
  for (;;) {
    const end = text.indexOf("\"", from)
    if (end < 0) return malformed
    let escapes = end
    while (text.charCodeAt(escapes - 1) === backslash) escapes--
    if (((end - escapes) & 1) === 0) return end + 1
    from = end + 1
  }
}

/** The index after the value that starts at `at`, `malformed`, or `tooDeep` beyond `depthMax`. */
export const skipValue = (text: string, at: number, depthMax = payloadDepthMax): number => {
  const first = text.charCodeAt(at)
  if (first === quote) return skipString(text, at)
  if (!opens(first)) return skipScalar(text, at)
  let depth = 0
  let index = at
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (code === quote) {
      index = skipString(text, index)
      if (index < 0) return malformed
      continue
    }
    if (opens(code)) {
      if (++depth > depthMax) return tooDeep
    } else if (closes(code) && --depth === 0) return index + 1
    index++
  }
  return malformed
}

const opens = (code: number) => code === 0x7b || code === 0x5b
const closes = (code: number) => code === 0x7d || code === 0x5d

/** A number or word reaches to the next comma, bracket or white space. */
const skipScalar = (text: string, at: number): number => {
  let index = at
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x2c || closes(code) || code <= 0x20) break
  }
  return index === at ? malformed : index
}
