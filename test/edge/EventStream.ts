/** A client of event streams over a raw socket, which reads as fast as it is told to. */
import { Effect, Schedule } from "effect"
import { connect, type Socket } from "node:net"

/** As a socket gives them: over memory of any kind. */
const noBytes: Buffer = Buffer.alloc(0)

/** One event of a stream. */
export interface Received {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** An open stream. */
export interface EventStream {
  readonly socket: Socket
  /** The head of the answer, once it is there. */
  readonly head: () => string
  readonly events: Array<Received>
  /** The last id that came, also without an event: what a client sends back. */
  readonly lastId: () => string
  readonly comments: () => number
  readonly isClosed: () => boolean
}

const field = (block: string, name: string): string | undefined =>
  block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)

/** The body in a chunked answer, as far as it came. */
const unchunked = (body: Buffer): readonly [text: Buffer, rest: Buffer] => {
  const texts: Array<Buffer> = []
  let rest = body
  for (;;) {
    const end = rest.indexOf("\r\n")
    const size = end < 0 ? Number.NaN : Number.parseInt(rest.toString("latin1", 0, end), 16)
    if (!(rest.length >= end + 2 + size + 2)) return [Buffer.concat(texts), rest]
    texts.push(rest.subarray(end + 2, end + 2 + size))
    rest = rest.subarray(end + 2 + size + 2)
    if (size === 0) return [Buffer.concat(texts), rest]
  }
}

/** Opens a stream; it ends with the scope. */
export const openStream = (
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET"
) =>
  Effect.acquireRelease(
    Effect.sync((): EventStream => {
      const state = { head: "", raw: noBytes, text: "", id: "", comments: 0, closed: false }
      const events: Array<Received> = []
      const socket = connect(port, "127.0.0.1")
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("")
      socket.write(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${lines}\r\n`)
      socket.on("data", (chunk) => {
        state.raw = Buffer.concat([state.raw, chunk])
        if (state.head === "") {
          const end = state.raw.indexOf("\r\n\r\n")
          if (end < 0) return
          state.head = state.raw.toString("latin1", 0, end)
          state.raw = state.raw.subarray(end + 4)
        }
        const [text, rest] = unchunked(state.raw)
        state.raw = rest
        state.text += text.toString()
        const blocks = state.text.split("\n\n")
        state.text = blocks.pop() ?? ""
        for (const block of blocks) {
          if (block.startsWith(":")) state.comments++
          const id = field(block, "id")
          if (id !== undefined) state.id = id
          const data = field(block, "data")
          if (data !== undefined) events.push({ event: field(block, "event") ?? "", id, data })
        }
      })
      socket.on("error", () => undefined)
      socket.on("close", () => state.closed = true)
      return {
        socket,
        events,
        head: () => state.head,
        lastId: () => state.id,
        comments: () => state.comments,
        isClosed: () => state.closed
      }
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** Waits until something holds; fails after 20 s. */
export const until = (what: string, holds: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry({ times: 2_000, schedule: Schedule.spaced("10 millis") }),
    Effect.catch(() => Effect.die(new Error(`${what} did not happen within 20 s`)))
  )
