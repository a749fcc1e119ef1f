/**
 * The outbox of an executor thread, in the main thread: what is handed over and told in one turn of
 * the loop goes as one message.
 */
import type { MessagePort } from "node:worker_threads"
import * as Frame from "../../domain/Frame.ts"
import { type Answer, type Head, messageFields, type ToThread } from "./Protocol.ts"
import type { Run } from "./Run.ts"

/** One outbox. Mutable on purpose: written for every message. */
export class Outbox {
  private readonly port: MessagePort
  private waiting: Waiting | undefined = undefined

  constructor(port: MessagePort) {
    this.port = port
  }

  /** Hands a delivery over. */
  give(run: Run): void {
    const { heads, texts } = this.open()
    heads.push(headOf(run))
    texts.push(run.delivery.message.payload)
  }

  /** Tells the handler of a slot to let go. */
  cancel(slot: number): void {
    this.open().cancelled.push(slot)
  }

  /** Answers a call. */
  readonly answer = (answer: Answer): void => {
    this.open().answers.push(answer)
  }

  private open(): Waiting {
    if (this.waiting === undefined) {
      this.waiting = { heads: [], texts: [], cancelled: [], answers: [] }
      queueMicrotask(this.flush)
    }
    return this.waiting
  }

  private readonly flush = (): void => {
    if (this.waiting === undefined) return
    const { answers, cancelled, ...frame } = this.waiting
    this.waiting = undefined
    const message: ToThread = {
      frame: frame.heads.length === 0 ? undefined : Frame.encode(frame),
      cancelled,
      answers,
      isControlled: false
    }
    this.port.postMessage(message, []) // To a closed port it is void, as its thread is gone.
  }
}

interface Waiting {
  readonly heads: Array<Head>
  readonly texts: Array<string>
  readonly cancelled: Array<number>
  readonly answers: Array<Answer>
}

const headOf = ({ delivery, hand, handler, slot }: Run): Head => {
  const { attempt, message, subscription } = delivery
  return [
    slot,
    hand,
    handler.id,
    attempt,
    subscription,
    ...messageFields.map((field) => message[field])
  ]
}
