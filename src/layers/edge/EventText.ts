/**
 * Events of a stream as `text/event-stream` wants them.
 */
import type { Message } from "../../domain/Message.ts"
import type { GapReason, TailEvent } from "../../services/Tails.ts"
import { messageText } from "./MessageText.ts"

/** Messages whose bytes are kept, and how many bytes of them all. */
const keptMax = { count: 128, bytes: 4 * 1_048_576 } as const

const reasons: Readonly<Record<GapReason, string>> = {
  Slow: "slow",
  Retention: "retention",
  Damaged: "damaged",
  OtherLog: "other-log"
}

/** The pieces of an event. */
export type EventPieces = (event: TailEvent) => ReadonlyArray<string | Uint8Array>

/**
 * Makes the pieces of events; one per server. It keeps the bytes of the last messages: a thousand
 * streams that show one share them, also while they wait in sockets.
 */
export const makeEventPieces = (): EventPieces => {
  const kept = new Map<Message, Uint8Array>()
  let bytes = 0 // Of what is kept: a running sum for every message shown first.
  const forgetOldest = (): void => {
    const [oldest] = kept.entries()
    if (oldest === undefined) return
    kept.delete(oldest[0])
    bytes -= oldest[1].length
  }
  const shown = (message: Message): Uint8Array => {
    const known = kept.get(message)
    if (known !== undefined) return known
    const made = Buffer.from(`event: message\ndata: ${oneLine(messageText(message))}\n\n`)
    kept.set(message, made)
    bytes += made.length
    while (kept.size > keptMax.count || bytes > keptMax.bytes) forgetOldest()
    return made
  }
  return (event) => {
    if (event._tag === "Gap") {
      const data = gapText(event.reason, event.missed)
      return [`${idOf(event.position)}event: gap\ndata: ${data}\n\n`]
    }
    return event.position === undefined
      ? [shown(event.message)]
      : [idOf(event.position), shown(event.message)]
  }
}

const idOf = (position: string | undefined) => position === undefined ? "" : `id: ${position}\n`

const gapText = (reason: GapReason, missed: number | undefined): string =>
  JSON.stringify({ reason: reasons[reason], missed: missed ?? null })

/** Between the tokens of JSON, the only place where it has them, a space means the same. */
const oneLine = (json: string): string => json.replaceAll(/[\r\n]/g, " ")

/** How a stream begins: when to come back, and from where if nothing comes before that. */
export const beginText = (retryMs: number, position: string): string =>
  `retry: ${retryMs}\nid: ${position}\n\n`

/** A comment, so that nobody on the way takes the stream for dead; with a position if it moved. */
export const heartbeatText = (position: string | undefined): string => `:\n${idOf(position)}\n`
