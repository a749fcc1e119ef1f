/**
 * The execution context: a few texts that a publisher's code runs with and its handlers inherit,
 * such as the tenant or the user on whose behalf something happens.
 *
 * A value, never changed: setting makes another one, so no copy is ever affected by it.
 */

/** Texts by name. */
export type ContextValues = Readonly<Record<string, string>>

/** Most values of one context. */
export const contextEntriesMax = 64

/** Largest context in UTF-8 bytes of JSON text: each message of its publisher carries a copy. */
export const contextBytesMax = 8_192

/** A context as it travels: its values, and their JSON text unless there are none. */
export interface Carried {
  readonly values: ContextValues
  readonly text: string | undefined
}

/** The empty context. */
export const nothing: Carried = { values: Object.freeze({}), text: undefined }

/** `base` with `values` set, which overwrite those of the same name; or what is wrong with it. */
export const merge = (base: ContextValues, values: ContextValues): Carried | string => {
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    return "expected an object whose values are strings" // Not every program has types.
  }
  return carry({ ...base, ...values })
}

/** A context of these values, or what is wrong with them. */
export const carry = (values: ContextValues): Carried | string => {
  const entries = Object.entries(values)
  if (entries.length === 0) return nothing
  if (entries.length > contextEntriesMax) return `expected at most ${contextEntriesMax} values`
  const isText = entries.every(([name, value]) =>
    typeof value === "string" && value.isWellFormed() && name.isWellFormed()
  )
  if (!isText) return "expected well-formed strings as values"
  const text = JSON.stringify(values)
  return bytesOf(text) > contextBytesMax
    ? `expected at most ${contextBytesMax} bytes of JSON text`
    : { values: Object.freeze(values), text }
}

const encoder = new TextEncoder()

const bytesOf = (text: string): number => encoder.encode(text).length
