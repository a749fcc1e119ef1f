/**
 * A chain of lines: each carries the hash of all before it, so whoever removes or alters one breaks
 * it at that place.
 *
 * A line is a JSON object whose last two fields are `prev`, the hash of the line before, and
 * `hash`, the SHA-256 of the line without it. Version 1.
 */
import { createHash } from "node:crypto"

/** Where a chain stands: how many lines it has, and the hash of the last one. */
export interface Link {
  readonly count: number
  readonly hash: string
}

/** Before the first line. */
export const beginning: Link = { count: 0, hash: "" }

const mark = ",\"hash\":\""
const shape = /^(.*),"hash":"([0-9a-f]{64})"\}$/

const hashOf = (body: string): string => createHash("sha256").update(body).digest("hex")

/** The next line, with its number `n` from 0 on, and where the chain stands then. */
export const append = (
  { count, hash: prev }: Link,
  fields: Readonly<Record<string, unknown>>
): { readonly line: string; readonly link: Link } => {
  const body = JSON.stringify({ v: 1, n: count, ...fields, prev }).slice(0, -1)
  const hash = hashOf(body)
  return { line: `${body}${mark}${hash}"}`, link: { count: count + 1, hash } }
}

/** What a line says of itself, or why it cannot be believed. */
export type Read =
  | { readonly isWhole: true; readonly n: number; readonly prev: string; readonly link: Link }
  | { readonly isWhole: false; readonly reason: string }

/** Reads one line. */
export const read = (line: string): Read => {
  const [, body, hash] = shape.exec(line) ?? []
  if (body === undefined || hash === undefined) return broken("it is no line of a chain")
  if (hashOf(body) !== hash) return broken("its hash is not that of what it says: it was altered")
  try { // The code of a stranger wrote it, with the right hash or not.
    const { n, prev } = JSON.parse(`${body}}`)
    return typeof n === "number" && typeof prev === "string"
      ? { isWhole: true, n, prev, link: { count: n + 1, hash } }
      : broken("it lacks its number or the hash before it")
  } catch {
    return broken("it is no JSON")
  }
}

const broken = (reason: string): Read => ({ isWhole: false, reason })
