/**
 * A request that came through `node:http`, and where its reply goes.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { BodyBudget } from "./BodyBudget.ts"
import type { Exchange, Front } from "./Front.ts"
import { readBody } from "./NodeBody.ts"
import { headOf } from "./NodeHead.ts"
import { send, sendUnread } from "./NodeReply.ts"
import type { Connection } from "./NodeServer.ts"
import { beginStream, endStream } from "./NodeStream.ts"
import type { UnreadReplies } from "./NodeUnread.ts"
import type { Refusal } from "./Refusal.ts"
import type { Head, Reply, Sink } from "./Web.ts"

/** What an exchange knows of the server it came through. */
export interface Around {
  readonly front: Front
  readonly unread: UnreadReplies
  readonly connection: Connection
  /** The client sends its body only when it is told to. */
  readonly expects: boolean
}

/** The exchange; one for every request. */
export class NodeExchange implements Exchange {
  readonly head: Head
  readonly startedAt = performance.now()
  more: Reply["headers"] = noMore
  readonly #around: Around
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(around: Around, request: IncomingMessage, response: ServerResponse) {
    const { connection, front } = around
    this.#around = around
    this.#request = request
    this.#response = response
    this.head = headOf(request)
    const { owed } = connection
    owed.push(response)
    connection.running++
    front.open++
    response.once("close", () => {
      owed.splice(owed.indexOf(response), 1)
      front.open--
    })
  }

  read(bytesMax: number, budget: BodyBudget, done: (body: Uint8Array | Refusal) => void): void {
    if (this.#around.expects) this.#response.writeContinue()
    readBody(this.#request, bytesMax, budget, done)
  }

  begin(contentType: string, headers: Reply["headers"]): Sink {
    return beginStream(this.#response, contentType, headers)
  }

  hasBegun(): boolean {
    return this.#response.headersSent
  }

  end(close: boolean): void {
    this.#around.connection.running--
    endStream(this.#response, close)
  }

  send(reply: Reply, close: boolean): void {
    const { connection, unread } = this.#around
    connection.running--
    unread.watch(this.#response, send(this.#response, reply, close, this.more))
  }

  sendUnread(reply: Reply): void {
    this.#around.connection.running--
    sendUnread(this.#request, this.#response, reply, this.more)
  }

  onClose(listener: () => void): void {
    this.#response.once("close", listener)
  }
}

const noMore = {}
