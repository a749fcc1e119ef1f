/**
 * A request that came through `Deno.serve`, and where its reply goes.
 */
import type { Info } from "../drivers/deno/Server.ts"
import type { BodyBudget } from "./BodyBudget.ts"
import { readBody, type Reading } from "./DenoBody.ts"
import { DenoHead } from "./DenoHead.ts"
import { PulledBody } from "./DenoStream.ts"
import type { PulledBodies } from "./DenoStreams.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import type { Exchange, Front } from "./Front.ts"
import type { Refusal } from "./Refusal.ts"
import type { Reply, Sink } from "./Web.ts"

/** What the exchanges of a server share. */
export interface Around {
  readonly front: Front
  /** Bodies that are being read. */
  readonly readings: Set<Reading>
  /** Replies that are sent piece by piece. */
  readonly streams: PulledBodies
  readonly unreadMs: number
}

/** The exchange; one for every request. */
export class DenoExchange implements Exchange {
  readonly head: DenoHead
  readonly startedAt = performance.now()
  more: Reply["headers"] = noMore
  /** Nothing more is taken from its connection. */
  isLast = false
  readonly #around: Around
  readonly #request: Request
  readonly #respond: (response: Response) => void
  #stream: PulledBody | undefined = undefined
  #isOpen = true

  constructor(
    around: Around,
    request: Request,
    info: Info,
    respond: (response: Response) => void
  ) {
    this.#around = around
    this.#request = request
    this.#respond = respond
    this.head = new DenoHead(request, info)
    around.front.open++
  }

  read(bytesMax: number, budget: BodyBudget, done: (body: Uint8Array | Refusal) => void): void {
    const declared = this.head.header("content-length")
    readBody(
      { request: this.#request, declared, bytesMax, budget, startedAt: this.startedAt },
      this.#around.readings,
      (body) => {
        if (body === undefined) this.#answer(new Response(null, { status: 400 })) // To nobody.
        else done(body)
      }
    )
  }

  begin(contentType: string, headers: Reply["headers"]): Sink {
    const fields: Array<[string, string]> = [
      ["content-type", contentType],
      ...Object.entries(headers)
    ]
    const stream = new PulledBody(edgeLimits.streamStallMs)
    this.#streamed(stream, 200, fields)
    return stream
  }

  hasBegun(): boolean {
    return this.#stream !== undefined
  }

  end(): void {
    this.#stream?.end()
  }

  send(reply: Reply, close: boolean): void {
    const { body, contentType, headers, status } = reply
    const fields: Array<[string, string]> = status === 204 ? [] : [["content-type", contentType]]
    for (const name in headers) {
      if (name !== "connection") fields.push([name, headers[name] ?? ""])
    }
    for (const name in this.more) fields.push([name, this.more[name] ?? ""])
    if (close || this.isLast || headers["connection"] !== undefined) this.#sayClose(fields)
    if (body.length < edgeLimits.unreadBytesMin) {
      const response = new Response(status === 204 ? null : body, { status, headers: fields })
      return this.#answer(response)
    }
    const bytes = Buffer.from(body)
    fields.push(["content-length", `${bytes.length}`])
    const stream = new PulledBody(this.#around.unreadMs)
    stream.write([bytes])
    stream.end()
    this.#streamed(stream, status, fields)
  }

  /** Where the rest of a body is awaited, Deno says by itself that the connection ends. */
  sendUnread(reply: Reply): void {
    this.send(reply, false)
  }

  onClose(listener: () => void): void {
    this.#request.signal.addEventListener("abort", listener)
  }

  /** Unless the client said so itself, which Deno repeats. */
  #sayClose(fields: Array<[string, string]>): void {
    if (this.head.header("connection")?.toLowerCase() === "close") return
    fields.push(["connection", "close"])
  }

  #streamed(stream: PulledBody, status: number, headers: Array<[string, string]>): void {
    this.#around.streams.watch(stream)
    this.#stream = stream
    this.#answer(new Response(stream.stream, { status, headers }))
  }

  #answer(response: Response): void {
    if (this.#isOpen) this.#around.front.open--
    this.#isOpen = false
    this.#respond(response)
  }
}

const noMore = {}
