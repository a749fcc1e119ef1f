/**
 * Replies as bytes on a socket: what `node:http` would send, made of as few pieces as possible.
 */
import { STATUS_CODES } from "node:http"
import { edgeLimits } from "./EdgeLimits.ts"
import type { Reply } from "./Web.ts"

/** A reply and whether all of it is ASCII, which is cheaper to send. */
export interface ReplyText {
  readonly text: string
  readonly ascii: boolean
}

/** The reply with `more` headers; `close` says that the connection ends after it. */
export const replyText = (reply: Reply, more: Reply["headers"], close: boolean): ReplyText => {
  const { body, contentType, headers, status } = reply
  const bytes = Buffer.byteLength(body)
  let fields = "" // Most replies have none, or three.
  for (const name in headers) {
    if (name !== "connection") fields += `${name}: ${headers[name] ?? ""}\r\n`
  }
  for (const name in more) fields += `${name}: ${more[name] ?? ""}\r\n`
  const last = close || headers["connection"] === "close" ? closing : keeping
  return {
    text: `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\ncontent-type: ${contentType}\r\n` +
      `content-length: ${bytes}\r\n${fields}Date: ${dateText()}\r\n${last}${body}`,
    ascii: bytes === body.length
  }
}

const closing = "Connection: close\r\n\r\n"
const keeping = "Connection: keep-alive\r\n" +
  `Keep-Alive: timeout=${edgeLimits.keepAliveMs / 1_000}\r\n\r\n`

/** The date of this second. HTTP wants that of the wall, whatever clocks the program keeps. */
const dateText = (): string => {
  const now = performance.now()
  if (now >= date.until) {
    const wall = Date.now() // As said.
    date.until = now + 1_000 - wall % 1_000
    date.text = new Date(wall).toUTCString() // As said.
  }
  return date.text
}

const date = { until: 0, text: "" }
