/**
 * `codefactory publish`: one message from the arguments or a file, or many from lines of JSON.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import { type BusClient, make } from "./BusClient.ts"
import { apiKey, json, present, text, url, whole, WrongUsage } from "./Flags.ts"
import { linesOf } from "./Lines.ts"
import { parse } from "./LosslessJson.ts"
import { print } from "./Output.ts"
import { publishLines, type Tally, tallyEmpty } from "./PublishLines.ts"
import { makeProgress, printSummary } from "./PublishSummary.ts"

/** Some lines were refused, as was printed. */
export class PartlyRefused extends Data.TaggedError("PartlyRefused")<{
  readonly refused: number
}> {}

/** What stands for standard input. */
const stdinMark = "-"

const input = {
  topic: Argument.String("topic").pipe(
    Argument.withDescription("Topic; without it every line names its own"),
    Argument.optional
  ),
  payload: Argument.String("payload").pipe(
    Argument.withDescription("Payload as JSON, or - for lines of JSON on standard input"),
    Argument.optional
  ),
  file: text("file", "Read the payload (or, with --ndjson, the lines) from this file"),
  ndjson: Flag.Boolean("ndjson").pipe(
    Flag.withDescription("Publish every line of the input as a message of its own"),
    Flag.withDefault(false)
  ),
  text: Flag.Boolean("text").pipe(
    Flag.withDescription("Send the payload as a JSON string, whatever it is"),
    Flag.withDefault(false)
  ),
  key: text("key", "Messages with the same topic and key are delivered in order"),
  priority: whole("priority", 0, 9, "0 to 9; 5 and above overtake"),
  idempotencyKey: text("idempotency-key", "Accept the message once, however often this is sent"),
  deliverAt: text("deliver-at", "Deliver it from this time on, such as 2030-01-31T12:00:00Z"),
  delay: whole("delay", 0, 315_360_000, "Deliver it so many seconds from now"),
  header: Flag.KeyValuePair("header").pipe(
    Flag.withDescription("A header, name=value; may be given several times"),
    Flag.optional
  ),
  url,
  apiKey,
  json
}

type Input = Command.Command.Config.Infer<typeof input>

/** `codefactory publish`. */
export const publish = Command.make(
  "publish",
  input,
  (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const bus = yield* make(asked)
      yield* (yield* isLines(asked)) ? publishMany(bus, asked) : publishOne(bus, asked)
    }))
).pipe(
  Command.withDescription("Publish messages"),
  Command.withExamples([
    { command: "codefactory publish orders '{\"id\": 1}' --key customer-7" },
    {
      command: "codefactory publish orders - < payloads.ndjson",
      description: "Every line is a payload for this topic"
    },
    {
      command: "codefactory publish --ndjson --file messages.ndjson",
      description: "Every line is a message: {\"topic\": ..., \"payload\": ...}"
    }
  ])
)

/** Lines are meant when they are asked for, or when there is only standard input to read from. */
const isLines = Effect.fnUntraced(function*({ file, ndjson, payload, topic }: Input) {
  if (ndjson || Option.contains(payload, stdinMark) || Option.contains(topic, stdinMark)) {
    return true
  }
  if (Option.isSome(payload) || Option.isSome(file)) return false
  const { stdinIsTerminal } = yield* Stdio.Stdio
  if (!(yield* stdinIsTerminal)) return true
  return yield* new WrongUsage({
    message: "nothing to publish: give a payload, --file, or lines of JSON on standard input"
  })
})

/** The fields of a message that the flags set. */
const fieldsOf = Effect.fnUntraced(
  function*({ delay, deliverAt, header, idempotencyKey, key, priority }: Input) {
    if (Option.isSome(delay) && Option.isSome(deliverAt)) {
      return yield* new WrongUsage({ message: "--delay and --deliver-at exclude each other" })
    }
    const now = yield* DateTime.now
    const due = Option.map(
      delay,
      (seconds) => DateTime.formatIso(DateTime.add(now, { seconds }))
    )
    return present({
      key,
      priority,
      idempotencyKey,
      deliverAt: Option.orElse(deliverAt, () => due),
      headers: header
    })
  }
)

/** The JSON of a message around the text of its payload, which stays as it is. */
const envelope = (payload: string, fields: Readonly<Record<string, unknown>>): string => {
  const others = JSON.stringify(fields).slice(1, -1)
  return `{${others}${others === "" ? "" : ","}"payload":${payload}}`
}

const Accepted = Schema.Struct({
  id: Schema.String,
  topic: Schema.String,
  shard: Schema.Int,
  durability: Schema.String,
  duplicate: Schema.Boolean
})

const publishOne = Effect.fnUntraced(function*(bus: BusClient, asked: Input) {
  const topic = yield* Effect.fromOption(asked.topic).pipe(
    Effect.mapError(() => new WrongUsage({ message: "name the topic to publish to" }))
  )
  const given = Option.isSome(asked.file)
    ? yield* (yield* FileSystem.FileSystem).readFileString(asked.file.value)
    : Option.getOrElse(asked.payload, () => "")
  const payload = asked.text ? JSON.stringify(given) : given
  const parsed = parse(payload)
  if (parsed._tag === "Failure") {
    return yield* new WrongUsage({
      message: `the payload is not JSON (${parsed.failure}); --text sends it as a string`
    })
  }
  const accepted = yield* bus.request(
    Accepted,
    "POST",
    `/v1/topics/${encodeURIComponent(topic)}/messages`,
    { text: envelope(payload, yield* fieldsOf(asked)), type: "application/json" }
  )
  const { duplicate, durability, id, shard } = accepted
  yield* print(
    asked.json
      ? JSON.stringify(accepted)
      : `${duplicate ? "duplicate of" : "accepted"} ${id}  (shard ${shard}, ${durability})`
  )
})

const publishMany = Effect.fnUntraced(function*(bus: BusClient, asked: Input) {
  const fields = yield* fieldsOf(asked)
  yield* refuseForLines(asked, fields)
  const topic = Option.filter(asked.topic, (name) => name !== stdinMark)
  const wrap = Option.match(topic, {
    onNone: () => (line: string) => line,
    onSome: (name) => (line: string) => envelope(line, { topic: name, ...fields })
  })
  const bytes = Option.isSome(asked.file)
    ? (yield* FileSystem.FileSystem).stream(asked.file.value)
    : (yield* Stdio.Stdio).stdin
  const startedAt = yield* Clock.currentTimeMillis
  const tally = yield* Ref.make<Tally>(tallyEmpty)
  const progress = yield* makeProgress(tally, startedAt)
  yield* publishLines(bus, linesOf(bytes), wrap, tally, progress).pipe(
    // However it ends, the summary says how far it came.
    Effect.ensuring(Effect.ignore(printSummary(tally, startedAt, asked.json)))
  )
  const { refused } = yield* Ref.get(tally)
  if (refused > 0) return yield* new PartlyRefused({ refused })
})

const refuseForLines = (asked: Input, fields: Readonly<Record<string, unknown>>) =>
  Option.isSome(asked.payload) && asked.payload.value !== stdinMark
    ? Effect.fail(new WrongUsage({ message: "--ndjson takes its lines from input, not arguments" }))
    : Option.isSome(asked.idempotencyKey)
    ? Effect.fail(new WrongUsage({ message: "one idempotency key cannot serve many messages" }))
    : asked.text
    ? Effect.fail(new WrongUsage({ message: "--text is for a single payload" }))
    : !Option.exists(asked.topic, (name) => name !== stdinMark) && Object.keys(fields).length > 0
    ? Effect.fail(
      new WrongUsage({
        message: "without a topic every line is a whole message: put these fields into the lines"
      })
    )
    : Effect.void
