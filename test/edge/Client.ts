/**
 * A client of the edge that sends what it is told to, also what no proper client would.
 */
import { Effect } from "effect"
import { Agent, type IncomingHttpHeaders, request } from "node:http"
import { connect } from "node:net"
import { onDeno } from "./Platform.ts"

/** An answer; `json` is its body parsed, whatever that is. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- Each assertion says what it expects.
  readonly json: any
}

/** What to ask; a body is sent as JSON unless the headers say otherwise. */
export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

const jsonOf = (text: string): unknown => {
  try { // The driver of JSON throws, and a body may be no JSON.
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Sends one request and reads its answer; interrupting it closes the connection. */
export const ask = (url: string, asked: Asked = {}): Effect.Effect<Answer> =>
  Effect.callback((resume) => {
    const { body, headers, method = body === undefined ? "GET" : "POST" } = asked
    const contentType: Record<string, string> = body === undefined
      ? {}
      : { "content-type": "application/json", "content-length": `${Buffer.byteLength(body)}` }
    // As real clients do, it keeps its connection, and so gives the publish door what is its own.
    const agent = new Agent({ keepAlive: true })
    const sent = request(url, { method, headers: { ...contentType, ...headers }, agent })
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.on("response", (response) => {
      const chunks: Array<Uint8Array> = []
      response.on("data", (chunk) => chunks.push(chunk))
      response.on("end", () => {
        agent.destroy()
        const text = Buffer.concat(chunks).toString("utf8")
        const { headers, statusCode = 0 } = response
        resume(Effect.succeed({ status: statusCode, headers, text, json: jsonOf(text) }))
      })
    })
    sent.end(body)
    return Effect.sync(() => {
      sent.destroy()
      agent.destroy()
    })
  })

/** When a raw exchange ends, besides by the server's closing. */
export interface Until {
  /** Our side of the stream ends after the bytes. */
  readonly halfClose?: boolean
  /** What was read suffices. */
  readonly enough?: (text: string) => boolean
}

/** An answer that is whole and says that the connection ends. Deno then waits for the client. */
const isLast = (text: string): boolean => {
  const end = text.indexOf("\r\n\r\n")
  const head = text.slice(0, end).toLowerCase()
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1]
  return head.includes("connection: close") && text.length >= end + 4 + Number(length)
}

/** Chunks within which such an answer comes; to look at ever more bytes after each takes long. */
const lastWithin = 32

/** Deno asks for each body that waits to be asked for, and for those that nobody reads. */
const withoutContinue = (text: string): string =>
  onDeno ? text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, "") : text

/** Sends bytes over a socket and reads until the server closes it, or until it is enough. */
export const rawly = (
  port: number,
  bytes: string | Uint8Array,
  { enough, halfClose = false }: Until = {}
): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const socket = connect(port, "127.0.0.1")
    const chunks: Array<Uint8Array> = []
    const text = () => withoutContinue(Buffer.concat(chunks).toString("latin1"))
    socket.on("connect", () => halfClose ? socket.end(bytes) : socket.write(bytes))
    socket.on("data", (chunk) => {
      chunks.push(chunk)
      const mayBeLast = onDeno && chunks.length <= lastWithin
      if (enough?.(text()) === true || (mayBeLast && isLast(text()))) socket.destroy()
    })
    socket.on("error", () => undefined) // A reset is the server's right; what was read counts.
    socket.on("close", () => resume(Effect.succeed(text())))
    return Effect.sync(() => socket.destroy())
  })
