/**
 * A body that is sent piece by piece through `Deno.serve`, with a bound on what waits for a slow
 * reader.
 */
import * as Effect from "effect/Effect"
import { edgeLimits } from "./EdgeLimits.ts"
import type { Sink } from "./Web.ts"

/**
 * Pieces that are handed over only when they are asked for, so that it is known how many wait and
 * since when. Mutable: a queue.
 */
export class PulledBody implements Sink {
  readonly stream: ReadableStream<Uint8Array>
  /** When the reader last took something, by `performance.now()`. */
  #takenAt = performance.now()
  readonly #stallMs: number
  #waiting: Array<Uint8Array> = []
  #bytes = 0
  #isHungry = false
  #isEnding = false
  #hasEnded = false
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined = undefined
  readonly #roomFor = new Set<() => void>()
  #onEnd: () => void = () => {}

  constructor(stallMs: number) {
    this.#stallMs = stallMs
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
      pull: () => this.#pulled(),
      cancel: () => this.#ended()
    }, { highWaterMark: 0 })
  }

  /** Bytes that the reader has not asked for yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** Tells when nothing is sent any more, for whatever reason. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener
  }

  /** Whether the reader took nothing for too long. */
  isStalled(now: number): boolean {
    return this.#bytes > 0 && now - this.#takenAt > this.#stallMs
  }

  write(pieces: ReadonlyArray<string | Uint8Array>): boolean {
    if (this.#hasEnded) return false
    for (const piece of pieces) {
      const bytes = typeof piece === "string" ? encoder.encode(piece) : piece
      this.#waiting.push(bytes)
      this.#bytes += bytes.length
    }
    if (this.#isHungry) this.#pulled()
    return this.#hasRoom()
  }

  /** Waits while too much waits to be asked for. */
  readonly room: Effect.Effect<void> = Effect.suspend(() =>
    this.#hasRoom()
      ? Effect.void
      : Effect.callback((resume) => {
        const go = () => resume(Effect.void)
        this.#roomFor.add(go)
        return Effect.sync(() => this.#roomFor.delete(go))
      })
  )

  /** Ends the body after what waits. */
  end(): void {
    this.#isEnding = true
    if (this.#waiting.length === 0) this.#close()
  }

  /** Gives the reader up, and its connection with it. */
  cut(): void {
    if (this.#hasEnded) return
    this.#controller?.error("a client was cut off: it took nothing of its reply for too long")
    this.#ended()
  }

  /** Gives one piece of a limited size: whatever was given cannot be counted any more. */
  #pulled(): void {
    this.#takenAt = performance.now()
    const [first] = this.#waiting
    this.#isHungry = first === undefined
    if (first === undefined) return
    const taken = first.length > chunkBytes ? first.subarray(0, chunkBytes) : this.#joined()
    if (first.length > chunkBytes) this.#waiting[0] = first.subarray(chunkBytes)
    this.#bytes -= taken.length
    this.#controller?.enqueue(taken)
    if (this.#isEnding && this.#waiting.length === 0) this.#close()
    if (!this.#hasRoom()) return
    for (const go of this.#roomFor) go()
    this.#roomFor.clear()
  }

  /** As many of the first pieces as fit into one chunk. */
  #joined(): Uint8Array {
    let bytes = 0 // Sums over the first pieces: hot in a stream.
    let count = 0
    for (const piece of this.#waiting) {
      if (bytes + piece.length > chunkBytes) break
      bytes += piece.length
      count++
    }
    const taken = this.#waiting.splice(0, count)
    return taken.length === 1 && taken[0] !== undefined ? taken[0] : Buffer.concat(taken)
  }

  #hasRoom(): boolean {
    return this.#bytes < edgeLimits.streamBufferBytesMax
  }

  #close(): void {
    if (this.#hasEnded) return
    this.#controller?.close()
    this.#ended()
  }

  #ended(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#waiting = []
    this.#bytes = 0
    this.#onEnd()
  }
}

/** Bytes that are handed over at once. */
const chunkBytes = 65_536

const encoder = new TextEncoder()
