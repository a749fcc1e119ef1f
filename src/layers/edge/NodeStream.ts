/**
 * Streaming replies through `node:http`, with a bound on what waits for a slow reader.
 */
import * as Effect from "effect/Effect"
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Writable } from "node:stream"
import { edgeLimits } from "./EdgeLimits.ts"
import type { Sink } from "./Web.ts"

/**
 * Sends the head; the length is not known. A reader that takes nothing for `stallMs` is cut off:
 * the timer of the socket runs on while bytes wait and none of them leaves.
 */
export const beginStream = (
  response: ServerResponse,
  contentType: string,
  headers: Readonly<Record<string, string>>,
  stallMs: number = edgeLimits.streamStallMs
): Sink => {
  const fields = ["content-type", contentType]
  for (const name in headers) fields.push(name, headers[name] ?? "")
  response.writeHead(200, fields)
  response.flushHeaders()
  response.setTimeout(stallMs, () => response.destroy())
  const { chunkedEncoding, socket } = response
  return chunkedEncoding && socket !== null ? chunkedSink(socket) : plainSink(response)
}

/**
 * Writes chunks to the socket itself, behind the head that `node:http` put there. Measured: through
 * the response a chunk leaves in four calls of the system instead of one, and a thousand streams of
 * one event cost three times as much.
 */
const chunkedSink = (socket: Socket): Sink => ({
  write: (pieces) => {
    if (socket.destroyed) return false
    if (pieces.length > 1) socket.cork() // One call of the system.
    for (const piece of pieces) if (piece.length > 0) socket.write(chunkOf(piece))
    socket.uncork()
    return hasRoom(socket)
  },
  room: roomOf(socket)
})

/** To a client of HTTP/1.0, or behind a reply that has not left yet. */
const plainSink = (response: ServerResponse): Sink => ({
  write: (pieces) => {
    response.cork()
    for (const piece of pieces) response.write(piece)
    response.uncork()
    return hasRoom(response)
  },
  room: roomOf(response)
})

/** Chunks of bytes that several streams write, for as long as one of them may write them again. */
const chunks = new WeakMap<Uint8Array, Uint8Array>()

/** A piece as a chunk of HTTP/1.1: an empty one would end the body. */
const chunkOf = (piece: string | Uint8Array): string | Uint8Array => {
  if (typeof piece === "string") {
    return `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`
  }
  const known = chunks.get(piece)
  if (known !== undefined) return known
  const size = Buffer.from(`${piece.length.toString(16)}\r\n`)
  const chunk = Buffer.concat([size, piece, lineEnd])
  chunks.set(piece, chunk)
  return chunk
}

const lineEnd = Buffer.from("\r\n")

const hasRoom = ({ writableLength }: Writable): boolean =>
  writableLength < edgeLimits.streamBufferBytesMax

const roomOf = (stream: Writable): Effect.Effect<void> =>
  Effect.suspend(() => hasRoom(stream) ? Effect.void : drained(stream))

/** Waits until everything left; a closed response ends the fibre that waits here. */
const drained = (stream: Writable): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const go = () => resume(Effect.void)
    stream.once("drain", go)
    return Effect.sync(() => stream.off("drain", go))
  })

/** Ends a stream; a closing server keeps no connection. */
export const endStream = (response: ServerResponse, close: boolean): void => {
  const { socket } = response
  response.setTimeout(0)
  if (close) response.once("finish", () => socket?.destroySoon())
  response.end()
}
