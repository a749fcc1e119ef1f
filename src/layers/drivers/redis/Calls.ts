/**
 * Calls under way over one client: each has a limit, and all of a tick go in one write.
 *
 * Part of the wrapped driver. Its own limits cost a timer for each call and its own pipelining a
 * turn of the event loop, together as much as the call itself; here one timer looks at the oldest.
 */
import { Redis } from "ioredis"
import { callLimits, type Client } from "./Client.ts"

/** A call without an answer. Mutable on purpose: one for each. */
interface Call {
  readonly sentAt: number
  /** Tells whoever asked; nothing once it was told. */
  answer: ((outcome: Outcome) => void) | undefined
}

/** What became of a call: a reply, or what the client threw. */
export type Outcome =
  | { readonly _tag: "Reply"; readonly reply: unknown }
  | { readonly _tag: "Failure"; readonly cause: unknown }

/** How often the limits are looked at, in milliseconds. */
const everyMs = 100

/** The calls of one client. */
export class Calls {
  private readonly client: Client
  private readonly onLate: () => void
  private readonly pending = new Set<Call>()
  private timer: NodeJS.Timeout | undefined = undefined
  private isCorked = false
  private heardAt = 0

  /** `onLate` is called when a reply comes that nobody waits for any more. */
  constructor(client: Client, onLate: () => void) {
    this.client = client
    this.onLate = onLate
  }

  /** Makes a call and tells its outcome once, at the latest after the limit. */
  make(send: () => Promise<unknown>, answer: (outcome: Outcome) => void): void {
    const call: Call = { sentAt: performance.now(), answer }
    this.pending.add(call)
    this.cork()
    this.timer ??= setInterval(() => this.look(), everyMs) // Ends when nothing is under way.
    send().then(
      (reply) => this.settle(call, { _tag: "Reply", reply }),
      (cause: unknown) => this.settle(call, { _tag: "Failure", cause })
    )
  }

  /** Ends the timer. */
  close(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  private settle(call: Call, outcome: Outcome): void {
    this.heardAt = performance.now()
    this.pending.delete(call)
    if (call.answer !== undefined) call.answer(outcome)
    else if (outcome._tag === "Reply") this.onLate()
  }

  /** What is written until the end of this tick goes together. A cluster does so by itself. */
  private cork(): void {
    const { client } = this
    if (this.isCorked || !(client instanceof Redis) || client.status !== "ready") return
    const { stream } = client
    this.isCorked = true
    stream.cork()
    process.nextTick(() => {
      this.isCorked = false
      stream.uncork()
    })
  }

  /** Calls are in the order in which they were sent, so only the first ones can be late. */
  private look(): void {
    const now = performance.now()
    for (const call of this.pending) {
      if (now - call.sentAt < callLimits.commandMs) break
      const cause = new Error(`no answer within ${callLimits.commandMs} ms`)
      call.answer?.({ _tag: "Failure", cause })
      call.answer = undefined
      if (now - Math.max(call.sentAt, this.heardAt) < callLimits.silenceMs) continue
      // Nobody has said anything since: the connection may be dead without anybody knowing.
      this.pending.clear()
      this.client.disconnect(true)
    }
    if (this.pending.size === 0) this.close()
  }
}
