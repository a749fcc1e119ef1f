/**
 * The publish door: publishes are read from the bare socket and answered there; whatever else comes
 * is `node:http`'s, with the rest of its connection.
 *
 * Measured: of an echo through `node:http` two thirds of the time are that of its streams and
 * headers. All rules behind the door are those of the front: only reading and writing are its own.
 */
import type { Socket } from "node:net"
import { DoorExchange } from "./DoorExchange.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { acceptMatched, type Front } from "./Front.ts"
import type { Patience } from "./FrontOptions.ts"
import { refuseConnection } from "./NodeReply.ts"
import type { Connection } from "./NodeServer.ts"
import { type PlainRequest, readPlain } from "./PlainRequest.ts"
import type { Route } from "./Web.ts"

/** What a door is told. */
export interface DoorOptions {
  readonly front: Front
  readonly publish: Route
  readonly patience: Patience
  /** Gives a connection to `node:http`. */
  readonly handOver: (socket: Socket) => void
  readonly refused: () => void
}

/** Opens the door of a connection. */
export const openDoor = (options: DoorOptions, socket: Socket, connection: Connection): void =>
  new DoorConnection(options, socket, connection).open()

/** One connection, as long as it sends nothing but plain publishes. Mutable: a queue. */
class DoorConnection {
  readonly #options: DoorOptions
  readonly #socket: Socket
  readonly #connection: Connection
  /** In the order of their requests, which is that of their replies. */
  readonly #owed: Array<DoorExchange> = []
  /** What was read and waits: for replies, or for room to send them. */
  #rest: Buffer | undefined = undefined
  #isNew = true
  #isLast = false

  constructor(options: DoorOptions, socket: Socket, connection: Connection) {
    this.#options = options
    this.#socket = socket
    this.#connection = connection
  }

  open(): void {
    const socket = this.#socket
    socket.on("data", this.#onData)
    socket.on("end", this.#onEnd)
    socket.on("error", this.#onError)
    socket.on("drain", this.#goOn)
    socket.on("timeout", this.#onTimeout)
    socket.setTimeout(this.#options.patience.headTimeoutMs)
  }

  readonly #remote = (): string => this.#socket.remoteAddress ?? ""

  readonly #onData = (chunk: Buffer): void => this.#take(chunk)

  /** Takes what is plain; the rest waits for the replies owed, and is `node:http`'s then. */
  #take(chunk: Buffer): void {
    let at = 0 // A cursor over the requests of the chunk.
    while (at < chunk.length && this.#hasRoom()) {
      const request = readPlain(chunk, at, this.#remote)
      if (request === undefined) break
      at = request.end
      this.#accept(request)
    }
    if (at >= chunk.length || this.#isLast) return
    this.#rest = chunk.subarray(at)
    if (this.#owed.length === 0 && this.#hasRoom()) this.#leave()
    else this.#socket.pause()
  }

  #hasRoom(): boolean {
    return this.#owed.length < edgeLimits.pipelinedMax && !this.#isLast &&
      this.#socket.writableLength < edgeLimits.unreadBytesMin
  }

  #accept(request: PlainRequest): void {
    const { front, patience, publish } = this.#options
    if (this.#isNew) {
      this.#isNew = false
      this.#socket.setTimeout(Math.max(patience.unreadMs, edgeLimits.keepAliveMs))
    }
    const exchange = new DoorExchange(request, this)
    this.#owed.push(exchange)
    this.#connection.running++
    front.open++
    acceptMatched(front, exchange, { route: publish, params: { topic: request.topic } })
  }

  /** Sends the replies that are there and have nothing owed before them. */
  readonly answered = (close: boolean): void => {
    this.#connection.running--
    this.#options.front.open--
    if (close) this.#isLast = true
    const owed = this.#owed
    const first = owed[0]?.reply
    if (first === undefined) return
    if (owed.length === 1) {
      owed.length = 0
      this.#write(first.text, first.ascii)
    } else this.#writeMany()
    if (owed.length === 0) this.#settled()
  }

  #writeMany(): void {
    const owed = this.#owed
    let text = "" // One write for all of them.
    let ascii = true
    let count = 0
    for (const { reply } of owed) {
      if (reply === undefined) break
      text += reply.text
      ascii &&= reply.ascii
      count++
    }
    owed.splice(0, count)
    this.#write(text, ascii)
  }

  #write(text: string, ascii: boolean): void {
    if (!this.#socket.destroyed) this.#socket.write(text, ascii ? "latin1" : "utf8")
  }

  /** Nothing is owed. */
  #settled(): void {
    if (this.#isLast) this.#socket.destroySoon()
    else if (this.#rest !== undefined) this.#goOn()
  }

  readonly #goOn = (): void => {
    const rest = this.#rest
    if (rest === undefined || this.#owed.length > 0) return
    this.#rest = undefined
    this.#socket.resume()
    this.#take(rest)
  }

  /** The rest is not plain: `node:http` reads on from its first byte. */
  #leave(): void {
    const socket = this.#socket
    const rest = this.#rest
    this.#rest = undefined
    socket.off("data", this.#onData)
    socket.off("end", this.#onEnd)
    socket.off("error", this.#onError)
    socket.off("drain", this.#goOn)
    socket.off("timeout", this.#onTimeout)
    socket.setTimeout(0)
    this.#options.handOver(socket)
    if (rest !== undefined) socket.unshift(rest)
  }

  readonly onClose = (listener: () => void): void => {
    this.#socket.once("close", listener)
  }

  /** The client sends nothing more, and may still wait for replies. */
  readonly #onEnd = (): void => {
    this.#isLast = true
    if (this.#owed.length === 0) this.#socket.destroySoon()
  }

  readonly #onError = (): void => void this.#socket.destroy()

  readonly #onTimeout = (): void => {
    if (this.#owed.length > 0 && this.#socket.writableLength === 0) return
    if (!this.#isNew) return void this.#socket.destroy()
    refuseConnection(slow, this.#socket)
    this.#options.refused()
  }
}

/** As `node:http` reports a head that does not come. */
const slow = Object.assign(new Error("no request"), { code: "ERR_HTTP_REQUEST_TIMEOUT" })
