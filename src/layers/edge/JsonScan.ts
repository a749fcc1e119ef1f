/**
 * The scanner: where values stand in JSON text, and whether they are JSON.
 *
 * One pass finds the end of a value and checks it by the grammar of RFC 8259, so that the text of a
 * payload is cut out byte for byte and no value is made of it: measured, parsing it only to see
 * that it is JSON took a tenth of the time of a batch. No recursion: nesting is a counter. Measured
 * hot loops: they look at every character of every message.
 */
import { payloadDepthMax } from "../../domain/Message.ts"

/** Instead of an end: what stands there is no JSON. */
export const malformed = -1

/** Instead of an end: nested deeper than the limit. */
export const tooDeep = -2

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const digit0 = 0x30
const digit9 = 0x39
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d

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
  if (text.charCodeAt(at) !== quote) return malformed
  let index = at + 1
  for (;;) {
    const code = text.charCodeAt(index)
    if (code === quote) return index + 1
    if (code === backslash) {
      index = skipEscape(text, index)
      if (index < 0) return malformed
    } else if (code >= 0x20) index++
    else return malformed // A control character, or the end of the text.
  }
}

/** The index after the value that starts at `at`, `malformed`, or `tooDeep`. */
export const skipValue = (text: string, at: number): number => {
  const first = text.charCodeAt(at)
  return first === openBrace || first === openBracket ? skipNested(text, at) : skipLeaf(text, at)
}

/** What ends each container around the place being looked at; written before it is read. */
const closers = new Uint8Array(payloadDepthMax)

const skipNested = (text: string, at: number): number => {
  let depth = 0
  let index = at
  for (;;) { // At the start of a value.
    const code = text.charCodeAt(index)
    if (code === openBrace || code === openBracket) {
      if (depth === payloadDepthMax) return tooDeep
      const closer = code + 2 // In ASCII a bracket ends two after it begins.
      closers[depth++] = closer
      index = skipSpace(text, index + 1)
      if (text.charCodeAt(index) !== closer) {
        if (code === openBrace) index = skipName(text, index)
        if (index < 0) return malformed
        continue
      }
    } else {
      index = skipLeaf(text, index)
      if (index < 0) return malformed
      index = skipSpace(text, index)
    }
    while (text.charCodeAt(index) === closers[depth - 1]) {
      if (--depth === 0) return index + 1
      index = skipSpace(text, index + 1)
    }
    if (text.charCodeAt(index) !== comma) return malformed
    index = skipSpace(text, index + 1)
    if (closers[depth - 1] === closeBrace) index = skipName(text, index)
    if (index < 0) return malformed
  }
}

/** From a member's name to the start of its value. */
const skipName = (text: string, at: number): number => {
  const end = skipString(text, at)
  if (end < 0) return malformed
  const index = skipSpace(text, end)
  return text.charCodeAt(index) === colon ? skipSpace(text, index + 1) : malformed
}

const skipLeaf = (text: string, at: number): number => {
  switch (text.charCodeAt(at)) {
    case quote:
      return skipString(text, at)
    case 0x74:
      return text.startsWith("true", at) ? at + 4 : malformed
    case 0x66:
      return text.startsWith("false", at) ? at + 5 : malformed
    case 0x6e:
      return text.startsWith("null", at) ? at + 4 : malformed
    default:
      return skipNumber(text, at)
  }
}

const skipNumber = (text: string, at: number): number => {
  const whole = text.charCodeAt(at) === minus ? at + 1 : at
  let index = text.charCodeAt(whole) === digit0 ? whole + 1 : skipDigits(text, whole)
  if (index >= 0 && text.charCodeAt(index) === 0x2e) index = skipDigits(text, index + 1)
  if (index < 0) return malformed
  if ((text.charCodeAt(index) | 0x20) !== 0x65) return index // No exponent, as e or E.
  const sign = text.charCodeAt(index + 1)
  return skipDigits(text, sign === 0x2b || sign === minus ? index + 2 : index + 1)
}

/** The index after at least one digit, or `malformed`. */
const skipDigits = (text: string, at: number): number => {
  let index = at
  for (;; index++) {
    const code = text.charCodeAt(index)
    if (!(code >= digit0 && code <= digit9)) return index === at ? malformed : index
  }
}

const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** The index after the escape that starts at `at`, or `malformed`. */
const skipEscape = (text: string, at: number): number => {
  escape.lastIndex = at
  return escape.test(text) ? escape.lastIndex : malformed
}
