/**
 * Replies that their clients have not read: how long, and how many bytes of them together.
 */
import type { ServerResponse } from "node:http"
import { edgeLimits } from "./EdgeLimits.ts"

/** Keeps watch over large replies of a server. Mutable on purpose: it counts. */
export class UnreadReplies {
  readonly #bytesMax: number
  readonly #stallMs: number
  /** In the order in which they were sent. */
  readonly #replies = new Map<ServerResponse, number>()
  #bytes = 0
  #cut = 0

  constructor(bytesMax: number = edgeLimits.unreadBytesMax, stallMs: number = edgeLimits.unreadMs) {
    this.#bytesMax = bytesMax
    this.#stallMs = stallMs
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** Connections cut because too many bytes waited. */
  get cut(): number {
    return this.#cut
  }

  /**
   * Watches a reply of `bytes` that was handed to its socket: when the client takes nothing for the
   * time limit, the connection ends; when too many bytes wait together, the oldest reply's does.
   */
  watch(response: ServerResponse, bytes: number): void {
    if (bytes < edgeLimits.unreadBytesMin || response.writableFinished) return
    // The server ends a connection whose timer runs out, and resets it for the next request.
    response.socket?.setTimeout(this.#stallMs)
    this.#replies.set(response, bytes)
    this.#bytes += bytes
    response.once("close", () => {
      if (this.#replies.delete(response)) this.#bytes -= bytes
    })
    for (const [oldest, size] of this.#replies) {
      if (this.#bytes <= this.#bytesMax) break
      this.#replies.delete(oldest)
      this.#bytes -= size
      this.#cut++
      oldest.destroy()
    }
  }
}
