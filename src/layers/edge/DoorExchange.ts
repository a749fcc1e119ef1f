/**
 * A publish that came through the door on the bare socket, and where its reply goes.
 */
import type { BodyBudget } from "./BodyBudget.ts"
import { type ReplyText, replyText } from "./DoorReply.ts"
import type { Exchange } from "./Front.ts"
import type { PlainRequest } from "./PlainRequest.ts"
import type { Refusal } from "./Refusal.ts"
import type { Head, Reply, Sink } from "./Web.ts"

/** The connection of such exchanges. */
export interface Owing {
  /** The reply of an exchange is there. */
  readonly answered: (close: boolean) => void
  readonly onClose: (listener: () => void) => void
}

/** The exchange; one for every publish. */
export class DoorExchange implements Exchange {
  readonly head: Head
  readonly startedAt = performance.now()
  more: Reply["headers"] = noMore
  /** Its reply, once it is there; it is sent after those of the requests before it. */
  reply: ReplyText | undefined = undefined
  readonly #body: Uint8Array
  readonly #owing: Owing

  constructor({ body, head }: PlainRequest, owing: Owing) {
    this.head = head
    this.#body = body
    this.#owing = owing
  }

  /** The body is there: no request is plain without it. */
  read(_bytesMax: number, _: BodyBudget, done: (body: Uint8Array | Refusal) => void): void {
    done(this.#body)
  }

  begin(): Sink {
    throw new Error("a publish does not stream") // A bug.
  }

  hasBegun(): boolean {
    return false
  }

  end(): void {}

  send(reply: Reply, close: boolean): void {
    this.reply = replyText(reply, this.more, close)
    this.#owing.answered(close || reply.headers["connection"] === "close")
  }

  sendUnread(reply: Reply): void {
    this.send(reply, false)
  }

  onClose(listener: () => void): void {
    this.#owing.onClose(listener)
  }
}

const noMore = {}
