/**
 * Events of a stream as `text/event-stream` wants them.
 */
import type { Message } from "../../domain/Message.ts"
import type { GapReason, TailEvent } from "../../services/Tails.ts"
import { messageText } from "./MessageText.ts"

/** Messages whose texts are kept, and the longest kept: many streams show one message at once. */
const textsKeptMax = 128
const textLengthMax = 16_384

const reasons: Readonly<Record<GapReason, string>> = {
  Slow: "slow",
  Retention: "retention",
  Damaged: "damaged",
  OtherLog: "other-log"
}

/** Makes the texts of events; one per server, as it keeps the last ones. */
export const makeEventText = (): (event: TailEvent) => string => {
  const kept = new Map<Message, string>()
  const dataOf = (message: Message): string => {
    const known = kept.get(message)
    if (known !== undefined) return known
    const data = `data: ${oneLine(messageText(message))}\n\n`
    if (data.length <= textLengthMax) {
      const [oldest] = kept.keys()
      if (kept.size >= textsKeptMax && oldest !== undefined) kept.delete(oldest)
      kept.set(message, data)
    }
    return data
  }
  return (event) =>
    event._tag === "Message"
      ? `event: message\n${idOf(event.position)}${dataOf(event.message)}`
      : `event: gap\n${idOf(event.position)}data: ${gapText(event.reason, event.missed)}\n\n`
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
