/**
 * `codefactory dead-letters`: list, replay or delete what failed for good.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { make, open } from "./BusClient.ts"
import { apiKey, json, present, text, url, whole, WrongUsage } from "./Flags.ts"
import { print } from "./Output.ts"
import { counted, table } from "./Table.ts"

/** Dead letters listed unless set. */
const limitDefault = 100

/** Dead letters of one page; the bus gives at most so many at once. */
const pageMax = 1_000

/** Longest error in the table, in characters; `--json` shows all of it. */
const errorShownMax = 60

const filters = {
  topic: text("topic", "Only those of this topic"),
  subscription: text("subscription", "Only those of this subscription")
}

const ids = Flag.String("id").pipe(
  Flag.withDescription("Only this one; may be given several times"),
  Flag.atLeast(0)
)

const DeadLetter = open({
  id: Schema.String,
  subscription: Schema.String,
  message: open({ topic: Schema.String }),
  reason: Schema.String,
  error: Schema.String,
  attempts: Schema.Int,
  failedAt: Schema.String
})
type DeadLetter = typeof DeadLetter.Type

const Page = Schema.Struct({
  deadLetters: Schema.Array(DeadLetter),
  next: Schema.optionalKey(Schema.String)
})

const list = Command.make("list", {
  ...filters,
  limit: whole("limit", 1, 100_000, `Most to list (default: ${limitDefault})`),
  url,
  apiKey,
  json
}, (asked) =>
  Effect.interruptible(Effect.gen(function*() {
    const bus = yield* make(asked)
    const limit = Option.getOrElse(asked.limit, () => limitDefault)
    const page = (after: string | undefined, count: number) =>
      bus.request(
        Page,
        "GET",
        `/v1/dead-letters?${
          queryOf({
            topic: asked.topic,
            subscription: asked.subscription,
            limit: Option.some(Math.min(count, pageMax)),
            after: Option.fromUndefinedOr(after)
          })
        }`
      )
    const { letters, more } = yield* collect(page, limit)
    if (asked.json) {
      for (const letter of letters) yield* print(JSON.stringify(letter))
      return
    }
    yield* print(letters.length === 0 ? "no dead letters" : tableOf(letters))
    if (more) yield* print(`\nThere are more: --limit ${limit * 10} shows them.`)
    if (letters.length > 0) yield* print("\nTo deliver them again: codefactory dead-letters replay")
  }))).pipe(Command.withDescription("List dead letters, oldest first"))

/** Pages until `limit` letters are there; at most so many turns. */
const collect = Effect.fnUntraced(function*<E, R>(
  page: (after: string | undefined, count: number) => Effect.Effect<typeof Page.Type, E, R>,
  limit: number
) {
  const letters: Array<DeadLetter> = []
  let next: string | undefined // Mutable: the cursor of this loop.
  do {
    const found: typeof Page.Type = yield* page(next, limit - letters.length)
    letters.push(...found.deadLetters)
    next = found.next
  } while (next !== undefined && letters.length < limit)
  return { letters, more: next !== undefined }
})

const tableOf = (letters: ReadonlyArray<DeadLetter>): string =>
  table(
    ["ID", "FAILED AT", "SUBSCRIPTION", "TOPIC", "ATTEMPTS", "REASON", "ERROR"],
    letters.map((letter) => [
      letter.id,
      letter.failedAt,
      letter.subscription,
      letter.message.topic,
      String(letter.attempts),
      letter.reason,
      shorten(letter.error)
    ])
  )

/** On one line, without control characters, which a terminal would obey. */
const shorten = (error: string): string => {
  const line = error.replace(/[\p{Cc}\p{Cf}]+/gu, " ")
  return line.length > errorShownMax ? `${line.slice(0, errorShownMax)}...` : line
}

/** Some could not be replayed, as was printed; they stay where they are. */
export class NotReplayed extends Data.TaggedError("NotReplayed")<{ readonly failed: number }> {}

const Replayed = Schema.Struct({
  replayed: Schema.Int,
  failed: Schema.Int,
  remaining: Schema.Int
})

const replay = Command.make("replay", {
  ...filters,
  ids,
  maxAgeSeconds: whole("max-age-seconds", 0, 2 ** 40, "Only those that failed within this time"),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Show what would happen, and do nothing"),
    Flag.withDefault(false)
  ),
  url,
  apiKey,
  json
}, ({ dryRun, ids, ...asked }) =>
  Effect.interruptible(Effect.gen(function*() {
    const bus = yield* make(asked)
    const { maxAgeSeconds, subscription, topic } = asked
    const done = yield* bus.request(Replayed, "POST", "/v1/dead-letters/replay", {
      json: {
        ...present({ topic, subscription, maxAgeSeconds }),
        ...(ids.length === 0 ? {} : { ids }),
        dryRun
      }
    })
    yield* print(
      asked.json
        ? JSON.stringify(done)
        : `${dryRun ? "would be replayed" : "replayed"} ${done.replayed}  failed ${done.failed}  ` +
          `remaining ${done.remaining}`
    )
    if (done.failed > 0) return yield* new NotReplayed({ failed: done.failed })
  }))).pipe(
    Command.withDescription("Deliver dead letters again, to the subscription that failed"),
    Command.withExamples([
      { command: "codefactory dead-letters replay --subscription billing --dry-run" }
    ])
  )

const Deleted = Schema.Struct({ deleted: Schema.Int })

const remove = Command.make("delete", {
  ...filters,
  ids,
  all: Flag.Boolean("all").pipe(
    Flag.withDescription("All of them; needed when nothing else says which"),
    Flag.withDefault(false)
  ),
  url,
  apiKey,
  json
}, (asked) =>
  Effect.interruptible(Effect.gen(function*() {
    const isFiltered = Option.isSome(asked.topic) || Option.isSome(asked.subscription)
    if (asked.ids.length === 0 && !isFiltered && !asked.all) {
      return yield* new WrongUsage({
        message: "say which ones: --id, --topic or --subscription, or --all for all of them"
      })
    }
    if (asked.ids.length > 0 && (isFiltered || asked.all)) {
      return yield* new WrongUsage({ message: "--id does not go with another choice" })
    }
    const bus = yield* make(asked)
    const deleted = asked.ids.length > 0
      ? (yield* Effect.forEach(asked.ids, (id) =>
        bus.request(Schema.Unknown, "DELETE", `/v1/dead-letters/${encodeURIComponent(id)}`))).length
      : (yield* bus.request(
        Deleted,
        "DELETE",
        `/v1/dead-letters?${queryOf({ topic: asked.topic, subscription: asked.subscription })}`
      )).deleted
    yield* print(
      asked.json ? JSON.stringify({ deleted }) : `deleted ${counted(deleted, "dead letter")}`
    )
  }))).pipe(Command.withDescription("Delete dead letters for good"))

const queryOf = (fields: Readonly<Record<string, Option.Option<string | number>>>): string =>
  new URLSearchParams(
    Object.fromEntries(
      Object.entries(present(fields)).map(([name, value]) => [name, String(value)])
    )
  ).toString()

/** `codefactory dead-letters`. */
export const deadLetters = Command.make("dead-letters").pipe(
  Command.withDescription("List, replay or delete messages that failed for good"),
  Command.withSubcommands([list, replay, remove])
)
