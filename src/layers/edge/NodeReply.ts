/**
 * Sending replies through `node:http`, also on a connection on which nothing else works any more.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { refuse } from "./Answer.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { anyMethod, Refusal } from "./Refusal.ts"
import type { Reply } from "./Web.ts"

/** Sends a reply with `more` headers; `close` ends the connection after it. Gives its bytes. */
export const send = (
  response: ServerResponse,
  reply: Reply,
  close: boolean,
  more: Reply["headers"] = noHeaders
): number => {
  if (response.destroyed) return 0
  const bytes = Buffer.byteLength(reply.body)
  const headers: Array<string> = reply.status === 204
    ? []
    : ["content-type", reply.contentType, "content-length", `${bytes}`]
  for (const name in reply.headers) headers.push(name, reply.headers[name] ?? "")
  for (const name in more) headers.push(name, more[name] ?? "")
  if (close) headers.push("connection", "close")
  response.writeHead(reply.status, headers)
  response.end(reply.body)
  return bytes
}

/**
 * Sends a reply to a request whose body nobody wants. A short rest is skipped; a long one would be
 * read for nothing, so the connection ends: first our side, that the sender can read the reply,
 * then all of it.
 */
export const sendUnread = (
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  more: Reply["headers"] = noHeaders
): void => {
  const declared = Number(request.headers["content-length"] ?? 0)
  const chunked = request.headers["transfer-encoding"] !== undefined
  if (request.complete || (!chunked && declared <= skippedBytesMax)) {
    send(response, reply, false, more)
    return
  }
  request.pause()
  const { socket } = request
  response.once("finish", () => cut(socket))
  send(response, reply, true, more)
}

const noHeaders = {}

/** Bytes of an unwanted body that are skipped to keep its connection. Source: faults, F14. */
const skippedBytesMax = 65_536

const cut = (socket: IncomingMessage["socket"]): void => {
  socket.pause()
  socket.setTimeout(edgeLimits.lingerMs, () => socket.destroy())
  socket.end()
}

/** What the parser of `node:http` or its timers report. */
interface ClientError extends Error {
  readonly code?: string
}

/** Answers bytes that are no request and closes their connection. */
export const refuseConnection = (error: ClientError, socket: Duplex): void => {
  if (!socket.writable || error.code === "ECONNRESET") socket.destroy()
  else sendLast(refuse(refusalOf(error)), socket)
}

/** Answers `CONNECT`, for which the server leaves a bare socket: this is no proxy. */
export const refuseTunnel = (socket: Duplex): void => {
  socket.on("error", () => socket.destroy()) // The server has taken its own listener away.
  sendLast(refuse(Refusal.MethodRefused({ method: "CONNECT", allow: anyMethod })), socket)
}

const sendLast = (reply: Reply, socket: Duplex): void => {
  const more = Object.entries(reply.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(
    `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}\r\n` +
      `content-type: ${reply.contentType}\r\ncontent-length: ${Buffer.byteLength(reply.body)}\r\n` +
      `${more.join("")}connection: close\r\n\r\n${reply.body}`,
    () => socket.destroy()
  )
}

const refusalOf = (error: ClientError): Refusal =>
  error.code === "HPE_HEADER_OVERFLOW"
    ? Refusal.HeadTooLarge({ limitBytes: edgeLimits.headBytesMax })
    : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
    ? Refusal.RequestTooSlow({ limitMs: edgeLimits.requestTimeoutMs })
    : Refusal.HttpMalformed({ reason: error.message })
