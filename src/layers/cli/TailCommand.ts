/**
 * `codefactory tail`: prints the messages of a subscription as they come, and takes nothing of it.
 */
import * as Cause from "effect/Cause"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type BusClient, BusUnavailable, make } from "./BusClient.ts"
import { apiKey, json, text, url, whole } from "./Flags.ts"
import { parse } from "./LosslessJson.ts"
import { note, print } from "./Output.ts"
import { ensureExists, lineOf, Message, pathOf } from "./SubscribeCommand.ts"
import { counted } from "./Table.ts"

/** A lost stream is taken up again so often, so many milliseconds apart. */
const again = { times: 5, waitMs: 2_000 } as const

const input = {
  name: Argument.String("name").pipe(Argument.withDescription("Name of the subscription")),
  topic: text("topic", "Topic or pattern; creates a broadcast subscription when it is new"),
  from: Flag.Literals("from", ["now", "earliest"]).pipe(
    Flag.withDescription("Where to start (default: now)"),
    Flag.withDefault("now")
  ),
  count: whole("count", 1, Number.MAX_SAFE_INTEGER, "Stop after so many messages"),
  url,
  apiKey,
  json
}

type Input = Command.Command.Config.Infer<typeof input>

/** How far a tail got. Mutable: it moves with every line. */
interface Progress {
  printed: number
  lastId: string | undefined
  event: string
}

/** `codefactory tail`. Everybody who tails sees every message; Ctrl-C ends it well. */
export const tail = Command.make("tail", input, (asked) =>
  Effect.gen(function*() {
    const bus = yield* make(asked)
    const progress: Progress = { printed: 0, lastId: undefined, event: "" }
    const ended = yield* Effect.exit(Effect.interruptible(Effect.gen(function*() {
      yield* ensureExists(bus, { ...asked, from: "now" }, "broadcast")
      yield* follow(bus, asked, progress)
    })))
    yield* note(`${counted(progress.printed, "message")} shown`)
    if (Exit.isFailure(ended) && !Cause.hasInterruptsOnly(ended.cause)) return yield* ended
  })).pipe(
    Command.withDescription("Print the messages of a subscription without acknowledging any"),
    Command.withExamples([
      { command: "codefactory tail watch --topic 'orders.>'" },
      {
        command: "codefactory tail watch --from earliest --json | jq .payload",
        description: "Everything that is kept and what comes, as JSON, one message per line"
      }
    ])
  )

/** Reads the stream; one that was lost goes on behind the last id, unless it ended for a reason. */
const follow = (bus: BusClient, asked: Input, progress: Progress) => {
  const goal = Option.getOrElse(asked.count, () => Infinity)
  const lost = new BusUnavailable({ url: bus.url, detail: "the stream of events ended" })
  return Effect.suspend(() => {
    const query = progress.lastId === undefined ? `?from=${asked.from}` : ""
    const headers = progress.lastId === undefined ? {} : { "last-event-id": progress.lastId }
    return bus.lines(`${pathOf(asked.name)}/events${query}`, headers).pipe(
      Stream.flatMap(Stream.fromIterable),
      Stream.runForEachWhile((line) =>
        Effect.map(take(line.text, asked, progress), () => progress.printed < goal)
      )
    )
  }).pipe(
    Effect.flatMap(() => progress.printed < goal ? Effect.fail(lost) : Effect.void),
    Effect.retry({
      times: again.times,
      schedule: Schedule.spaced(again.waitMs),
      while: ({ _tag }) => _tag === "BusUnavailable"
    })
  )
}

const decode = Schema.decodeUnknownResult(Message)

/** One line of the stream. The bus sends an event's kind and id before its data. */
const take = (text: string, asked: Input, progress: Progress) => {
  const [field = "", value = ""] = splitAt(text, ": ")
  if (field === "event") progress.event = value
  if (field === "id") progress.lastId = value
  if (field !== "data") return Effect.void
  if (progress.event === "gap") return note(`messages are missing: ${value}`)
  progress.printed++
  const message = Result.flatMap(parse(value), decode)
  return print(asked.json || Result.isFailure(message) ? value : lineOf(message.success, 1))
}

const splitAt = (text: string, mark: string): ReadonlyArray<string> => {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)]
}
