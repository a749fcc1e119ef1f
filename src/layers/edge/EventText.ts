/**
 * Events of a stream as `text/event-stream` wants them.
 */
import type { Message } from "../../domain/Message.ts"
import type { GapReason, TailEvent } from "../../services/Tails.ts"
import { messageText } from "./MessageText.ts"

const reasons: Readonly<Record<GapReason, string>> = {
  Slow: "slow",
  Retention: "retention",
  Damaged: "damaged",
  OtherLog: "other-log",
  OtherPod: "other-pod"
}

/** Messages whose text is kept, and how many characters of them all. */
const keptMax = { count: 128, characters: 4 * 1_048_576 } as const

/** The bytes of some events. */
export type EventBytes = (events: ReadonlyArray<TailEvent>) => Uint8Array

/**
 * Makes the bytes of events; one per server. Of the same array they are made once: a thousand
 * streams that show it share them, also while they wait in sockets, and they go with the last one
 * that has them. Streams that read by themselves, as after a restart, share the texts of messages.
 */
export const makeEventBytes = (): EventBytes => {
  const made = new WeakMap<ReadonlyArray<TailEvent>, Uint8Array>()
  const shown = keepingTexts()
  return (events) => {
    const known = made.get(events)
    if (known !== undefined) return known
    const bytes = Buffer.from(
      events.map((event) =>
        idOf(event.position) + (event._tag === "Gap" ? gapText(event) : shown(event.message))
      ).join("")
    )
    made.set(events, bytes)
    return bytes
  }
}

/** The text of a message's event, kept for the last messages. */
const keepingTexts = (): (message: Message) => string => {
  const kept = new Map<Message, string>()
  let characters = 0 // Of what is kept: a running sum for every message shown first.
  const forgetOldest = (): void => {
    const [oldest] = kept.entries()
    if (oldest === undefined) return
    kept.delete(oldest[0])
    characters -= oldest[1].length
  }
  return (message) => {
    const known = kept.get(message)
    if (known !== undefined) return known
    const text = `event: message\ndata: ${oneLine(messageText(message))}\n\n`
    kept.set(message, text)
    characters += text.length
    while (kept.size > keptMax.count || characters > keptMax.characters) forgetOldest()
    return text
  }
}

const idOf = (position: string | undefined) => position === undefined ? "" : `id: ${position}\n`

const gapText = ({ missed, reason }: Extract<TailEvent, { readonly _tag: "Gap" }>): string =>
  `event: gap\ndata: ${JSON.stringify({ reason: reasons[reason], missed: missed ?? null })}\n\n`

/** Between the tokens of JSON, the only place where it has them, a space means the same. */
const oneLine = (json: string): string => json.replaceAll(/[\r\n]/g, " ")

/** How a stream begins: when to come back, and from where if nothing comes before that. */
export const beginText = (retryMs: number, position: string): string =>
  `retry: ${retryMs}\nid: ${position}\n\n`

/** A comment, so that nobody on the way takes the stream for dead; with a position if it moved. */
export const heartbeatText = (position: string | undefined): string => `:\n${idOf(position)}\n`
