/**
 * `codefactory subscribe`: pulls the messages of a subscription, prints and acknowledges them.
 */
import * as Cause from "effect/Cause"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type { SubscriptionMode } from "../../domain/Subscription.ts"
import { type BusClient, make, open } from "./BusClient.ts"
import { apiKey, json, text, url, whole, WrongUsage } from "./Flags.ts"
import { note, print } from "./Output.ts"
import { counted } from "./Table.ts"

/** Milliseconds one pull waits for a message; the bus allows 30,000. */
const pullWaitMs = 20_000

/** Deliveries of one pull unless set: few enough to print well within a lease. */
const pullMaxDefault = 100

const input = {
  name: Argument.String("name").pipe(Argument.withDescription("Name of the subscription")),
  topic: text("topic", "Topic or pattern; creates the subscription when it is new"),
  from: Flag.Literals("from", ["now", "earliest"]).pipe(
    Flag.withDescription("Where a new subscription starts (default: now)"),
    Flag.withDefault("now")
  ),
  max: whole("max", 1, 5_000, `Most messages of one pull (default: ${pullMaxDefault})`),
  count: whole("count", 1, Number.MAX_SAFE_INTEGER, "Stop after so many messages"),
  noAck: Flag.Boolean("no-ack").pipe(
    Flag.withDescription("Print only: every message comes again, and counts as a failed attempt"),
    Flag.withDefault(false)
  ),
  url,
  apiKey,
  json
}

type Input = Command.Command.Config.Infer<typeof input>

/** `codefactory subscribe`. Ctrl-C ends it well: what was printed is acknowledged. */
export const subscribe = Command.make("subscribe", input, (asked) =>
  Effect.gen(function*() {
    const bus = yield* make(asked)
    const printed = yield* Ref.make(0)
    const ended = yield* Effect.exit(Effect.interruptible(Effect.gen(function*() {
      yield* ensureExists(bus, asked, "compete")
      yield* consume(bus, asked, printed)
    })))
    yield* note(`${counted(yield* Ref.get(printed), "message")} received`)
    if (Exit.isFailure(ended) && !Cause.hasInterruptsOnly(ended.cause)) return yield* ended
  })).pipe(
    Command.withDescription("Print the messages of a subscription as they come"),
    Command.withExamples([
      { command: "codefactory subscribe billing --topic 'orders.>'" },
      {
        command: "codefactory subscribe billing --count 10 --json | jq .message.payload",
        description: "Ten messages as JSON, one per line"
      }
    ])
  )

const Existing = Schema.Struct({ topic: Schema.String })

/** Creates the subscription when it is new; one that exists is left as it is. */
export const ensureExists = Effect.fnUntraced(function*(
  bus: BusClient,
  { from, name, topic }: Pick<Input, "from" | "name" | "topic">,
  mode: SubscriptionMode
) {
  const path = pathOf(name)
  const existing = yield* bus.request(Existing, "GET", path).pipe(
    Effect.asSome,
    Effect.catchIf(
      (error) => error._tag === "RequestRefused" && error.status === 404,
      () => Effect.succeedNone
    )
  )
  if (Option.isSome(existing)) {
    if (Option.isNone(topic) || topic.value === existing.value.topic) return
    return yield* new WrongUsage({
      message: `the subscription ${name} exists for ${existing.value.topic}; use another name`
    })
  }
  if (Option.isNone(topic)) {
    return yield* new WrongUsage({
      message: `there is no subscription ${name}; create it with --topic PATTERN`
    })
  }
  yield* bus.request(Existing, "PUT", path, {
    json: { topic: topic.value, from, ...(mode === "compete" ? {} : { mode }) }
  })
})

/** What is shown of a message, with all it has beside. */
export const Message = open({
  topic: Schema.String,
  key: Schema.optionalKey(Schema.NullOr(Schema.String)),
  payload: Schema.Unknown
})

const Deliveries = Schema.Struct({
  deliveries: Schema.Array(open({
    ackId: Schema.String,
    attempt: Schema.Int,
    message: Message
  }))
})

const consume = Effect.fnUntraced(
  function*(bus: BusClient, asked: Input, printed: Ref.Ref<number>) {
    const path = pathOf(asked.name)
    const goal = Option.getOrElse(asked.count, () => Infinity)
    const max = Option.getOrElse(asked.max, () => pullMaxDefault)
    while ((yield* Ref.get(printed)) < goal) {
      const left = goal - (yield* Ref.get(printed))
      const { deliveries } = yield* bus.request(Deliveries, "POST", `${path}/pull`, {
        json: { max: Math.min(max, left), waitMs: pullWaitMs }
      })
      if (deliveries.length === 0) continue
      // Not interrupted half-way, so that what was printed is acknowledged as well.
      yield* Effect.uninterruptible(Effect.gen(function*() {
        for (const delivery of deliveries) {
          yield* print(
            asked.json ? JSON.stringify(delivery) : lineOf(delivery.message, delivery.attempt)
          )
          yield* Ref.update(printed, (sum) => sum + 1)
        }
        if (asked.noAck) return
        const ackIds = deliveries.map(({ ackId }) => ackId)
        yield* bus.request(Schema.Unknown, "POST", `${path}/ack`, { json: { ackIds } })
      }))
    }
  }
)

/** "orders.created [customer-7] {...}", and the attempt when it is not the first. */
export const lineOf = (message: typeof Message.Type, attempt: number): string =>
  [
    message.topic,
    // A key is any text; as JSON it cannot smuggle control characters to the terminal.
    ...(message.key == null ? [] : [`[${JSON.stringify(message.key).slice(1, -1)}]`]),
    ...(attempt > 1 ? [`(attempt ${attempt})`] : []),
    JSON.stringify(message.payload)
  ].join(" ")

/** The path of a subscription. */
export const pathOf = (name: string): string => `/v1/subscriptions/${encodeURIComponent(name)}`
