/**
 * The replies of a server of Deno that are sent piece by piece: how long their readers may take
 * nothing, and how many bytes of them may wait together.
 */
import type { PulledBody } from "./DenoStream.ts"

/** Keeps watch over them. Mutable on purpose: it counts. */
export class PulledBodies {
  readonly #bytesMax: number
  /** In the order in which they began. */
  readonly #bodies = new Set<PulledBody>()
  #cut = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that wait. */
  get bytes(): number {
    let bytes = 0
    for (const body of this.#bodies) bytes += body.bytes
    return bytes
  }

  /** Connections cut because too many bytes waited. */
  get cut(): number {
    return this.#cut
  }

  /** Watches a body until it ends. When too many bytes wait together, the oldest are given up. */
  watch(body: PulledBody): void {
    this.#bodies.add(body)
    body.onEnd(() => this.#bodies.delete(body))
    let over = this.bytes - this.#bytesMax
    for (const oldest of this.#bodies) {
      if (over <= 0) break
      over -= oldest.bytes
      this.#cut++
      oldest.cut()
    }
  }

  /** Gives up those whose reader took nothing for too long; `now` is of `performance.now()`. */
  sweep(now: number): void {
    for (const body of this.#bodies) if (body.isStalled(now)) body.cut()
  }
}
