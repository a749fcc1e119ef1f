/**
 * `codefactory why`: what the bus decided about a message, a shard or anything else, or around a
 * time, with all that it looked at.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isMessageId, millisOfId } from "../../domain/MessageId.ts"
import { type BusClient, make } from "./BusClient.ts"
import { apiKey, json, url } from "./Flags.ts"
import { print } from "./Output.ts"
import { counted } from "./Table.ts"

/** How far around a time decisions are looked for, in milliseconds. */
const aroundMs = 60_000

/** Pages of decisions that are read: as many as a bus keeps. */
const pages = { size: 1_000, most: 10 }

const Decisions = Schema.Struct({
  decisions: Schema.Array(Schema.Struct({
    id: Schema.String,
    at: Schema.String,
    kind: Schema.String,
    subject: Schema.String,
    rule: Schema.String,
    inputs: Schema.Record(Schema.String, Schema.Unknown),
    outcome: Schema.String,
    skipped: Schema.Int
  })),
  next: Schema.optionalKey(Schema.String)
})

type Decision = typeof Decisions.Type["decisions"][number]

const Status = Schema.Struct({
  message: Schema.Struct({ topic: Schema.String, publishedAt: Schema.String }),
  shard: Schema.Int,
  state: Schema.String,
  deliveries: Schema.Array(Schema.Struct({
    subscription: Schema.String,
    state: Schema.String,
    attempts: Schema.Int
  }))
})

const subject = Argument.String("subject").pipe(
  Argument.withDescription(
    "A message id, a time such as 2026-11-27T15:04:05Z, or what decisions are about: " +
      "\"shard 3\", \"shards\", \"backlog\", \"subscription billing\""
  )
)

/** `codefactory why`. */
export const why = Command.make(
  "why",
  { subject, url, apiKey, json },
  (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const bus = yield* make(asked)
      const { about, lines } = yield* found(bus, asked.subject)
      yield* print(
        asked.json
          ? JSON.stringify(about)
          : [...lines, ...textOf(about.decisions, asked.subject)].join("\n")
      )
    }))
).pipe(Command.withDescription("Tell why the bus did something, with what it looked at"))

/** What there is about a subject, and lines about it that are no decisions. */
const found = Effect.fnUntraced(function*(bus: BusClient, subject: string) {
  if (isMessageId(subject)) {
    const status = yield* bus.request(Status, "GET", `/v1/messages/${subject}`)
    const { deliveries, message, shard, state } = status
    const all = yield* decisions(bus, "")
    const here = [`shard ${shard}`, "backlog"]
    const near = around(all, millisOfId(subject)).filter((one) => here.includes(one.subject))
    return {
      about: { message: status, decisions: near },
      lines: [
        `${subject}: ${state} on ${message.topic}, shard ${shard}, since ${message.publishedAt}`,
        ...deliveries.map((one) =>
          `  ${one.subscription}: ${one.state}, ${counted(one.attempts, "attempt")}`
        ),
        ""
      ]
    }
  }
  const time = Date.parse(subject) // A text of a user, not a clock.
  const isTime = /^\d{4}-/.test(subject) && Number.isFinite(time)
  const all = yield* decisions(bus, isTime ? "" : `&subject=${encodeURIComponent(subject)}`)
  return { about: { decisions: isTime ? around(all, time) : all }, lines: [] }
})

/** The decisions of a bus, oldest first. */
const decisions = Effect.fnUntraced(function*(bus: BusClient, filter: string) {
  const all: Array<Decision> = []
  let after = "" // The place behind each page.
  for (let page = 0; page < pages.most; page++) { // As many as there can be.
    const path = `/v1/decisions?limit=${pages.size}${filter}${after}`
    const { decisions, next } = yield* bus.request(Decisions, "GET", path)
    all.push(...decisions)
    if (next === undefined) break
    after = `&after=${next}`
  }
  return all
})

const around = (all: ReadonlyArray<Decision>, at: number): ReadonlyArray<Decision> =>
  all.filter((one) => Math.abs(Date.parse(one.at) - at) <= aroundMs) // As the bus wrote it.

const textOf = (all: ReadonlyArray<Decision>, subject: string): ReadonlyArray<string> =>
  all.length === 0
    ? [`no decision is kept about ${subject}; the newest 10,000 are`]
    : all.flatMap(({ at, inputs, kind, outcome, rule, skipped, subject }) => [
      `${at}  ${kind}: ${subject}, ${outcome}` +
      (skipped === 0 ? "" : ` (and ${counted(skipped, "time")} more within a second)`),
      `  ${rule}`,
      `  ${Object.entries(inputs).map(([name, value]) => `${name}=${shown(value)}`).join(" ")}`
    ])

/** Numbers to four figures. */
const shown = (value: unknown): string =>
  typeof value === "number" && !Number.isInteger(value)
    ? String(Number(value.toPrecision(4)))
    : String(value)
