/**
 * Streaming replies through `node:http`, with a bound on what waits for a slow reader.
 */
import * as Effect from "effect/Effect"
import type { ServerResponse } from "node:http"
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
  return {
    write: (pieces) => {
      response.cork() // One chunk, and one call of the system.
      for (const piece of pieces) response.write(piece)
      response.uncork()
    },
    room: Effect.suspend(() => hasRoom(response) ? Effect.void : drained(response))
  }
}

const hasRoom = ({ writableLength }: ServerResponse): boolean =>
  writableLength < edgeLimits.streamBufferBytesMax

/** Waits until everything left; a closed response ends the fibre that waits here. */
const drained = (response: ServerResponse): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const go = () => resume(Effect.void)
    response.once("drain", go)
    return Effect.sync(() => response.off("drain", go))
  })

/** Ends a stream; a closing server keeps no connection. */
export const endStream = (response: ServerResponse, close: boolean): void => {
  const { socket } = response
  response.setTimeout(0)
  if (close) response.once("finish", () => socket?.destroySoon())
  response.end()
}
