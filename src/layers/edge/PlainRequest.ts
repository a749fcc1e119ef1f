/**
 * Plain requests: publishes that arrived whole and whose head leaves nothing to interpretation.
 *
 * This is no parser of HTTP. It knows one form of one request, byte for byte, and says nothing of
 * all others, which `node:http` reads from their first byte. What it takes, `node:http` would read
 * in the same way: a test holds the two against each other. Measured hot loop: runs for every
 * publish.
 */
import { edgeLimits } from "./EdgeLimits.ts"
import { aroundTopic } from "./PublishPath.ts"
import type { Head } from "./Web.ts"

/** A publish of one message, whole in one chunk. */
export interface PlainRequest {
  readonly head: Head
  readonly topic: string
  readonly body: Uint8Array
  /** Where the next request starts. */
  readonly end: number
}

/** The plain request that starts at `at`, if it is one. `remote` gives the peer's address. */
export const readPlain = (
  chunk: Buffer,
  at: number,
  remote: () => string
): PlainRequest | undefined => {
  const headEnd = chunk.indexOf("\r\n\r\n", at, "latin1")
  if (headEnd < 0 || headEnd - at > headMax) return undefined
  const text = chunk.toString("latin1", at, headEnd + 2)
  const lineEnd = text.indexOf("\r\n")
  if (!text.startsWith(lineStart) || !text.startsWith(lineRest, lineEnd - lineRest.length)) {
    return undefined
  }
  const topic = text.slice(lineStart.length, lineEnd - lineRest.length)
  const fields = plainTopic.test(topic) ? readHeaders(text, lineEnd + 2) : undefined
  if (fields === undefined) return undefined
  const length = fields.get("content-length")
  if (length === undefined || !plainLength.test(length)) return undefined
  const end = headEnd + 4 + Number(length)
  if (end > chunk.length || Number(length) > edgeLimits.bodyBytesMax) return undefined
  return {
    head: {
      method: "POST",
      path: text.slice("POST ".length, lineEnd - version.length),
      query: "",
      remote,
      header: (name) => fields.get(name)
    },
    topic,
    body: chunk.subarray(headEnd + 4, end),
    end
  }
}

const version = " HTTP/1.1"
const lineStart = `POST ${aroundTopic.before}`
const lineRest = `${aroundTopic.after}${version}`

/** Less than `node:http` takes, which counts otherwise; so it answers for whatever is near it. */
const headMax = edgeLimits.headBytesMax / 2

const plainTopic = /^[\w.-]{1,249}$/
const plainLength = /^[1-9]\d{0,6}$/
const plainName = /^[\w-]+$/
const notPlain = /[^\x20-\x7e]/

/** Headers that say how a request or its connection is to be read, and are not read here. */
const telling: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

/** The headers by their lower-case names; `undefined` if any is not plain or is there twice. */
const readHeaders = (text: string, start: number): ReadonlyMap<string, string> | undefined => {
  const fields = new Map<string, string>()
  let at = start // A cursor over the lines.
  while (at < text.length) {
    const end = text.indexOf("\r\n", at)
    const colon = text.indexOf(":", at)
    if (colon < 0 || colon > end) return undefined
    const sent = text.slice(at, colon)
    const value = text.slice(text.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1, end)
    if (!plainName.test(sent) || notPlain.test(value)) return undefined
    if (value.startsWith(" ") || value.endsWith(" ")) return undefined
    const name = sent.toLowerCase()
    if (fields.has(name)) return undefined
    if (telling.has(name) && !(name === "connection" && value === "keep-alive")) return undefined
    fields.set(name, value)
    at = end + 2
  }
  return fields.size > headersMax ? undefined : fields
}

/** Far more than a publish has. */
const headersMax = 100
