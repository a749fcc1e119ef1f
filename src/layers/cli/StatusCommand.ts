/**
 * `codefactory status`: how a running bus is, on one screen.
 */
import * as Command from "effect/cli/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { BusUnavailable, make } from "./BusClient.ts"
import { apiKey, json, url } from "./Flags.ts"
import { print } from "./Output.ts"
import { Shards, shardTable } from "./ShardTable.ts"
import { counted, grouped, table } from "./Table.ts"

const Info = Schema.Struct({
  version: Schema.String,
  profile: Schema.String,
  durability: Schema.String,
  uptimeMs: Schema.Finite
})

const Readiness = Schema.Struct({
  status: Schema.String,
  degraded: Schema.Array(Schema.String)
})

const Subscriptions = Schema.Struct({
  subscriptions: Schema.Array(Schema.Struct({
    name: Schema.String,
    topic: Schema.String,
    pending: Schema.Int,
    inFlight: Schema.Int,
    acked: Schema.Int,
    deadLetters: Schema.Int
  }))
})

/** What a pod says of itself, and of those that it knows. */
const Pods = Schema.Struct({
  pods: Schema.Array(Schema.Struct({
    pod: Schema.String,
    address: Schema.optionalKey(Schema.String),
    version: Schema.optionalKey(Schema.String),
    startedAt: Schema.optionalKey(Schema.Finite),
    seenMs: Schema.optionalKey(Schema.Finite),
    detail: Schema.optionalKey(Schema.String),
    snapshot: Schema.optionalKey(Schema.Struct({
      state: Schema.String,
      published: Schema.Int,
      subscriptions: Schema.Array(Schema.Struct({ pending: Schema.Int, inFlight: Schema.Int }))
    }))
  }))
})

type Pod = typeof Pods.Type["pods"][number]

/** `codefactory status`. A bus that is not ready is shown as well; the exit code tells. */
export const status = Command.make(
  "status",
  { url, apiKey, json },
  (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const bus = yield* make(asked)
      const ready = yield* bus.ask("GET", "/readyz")
      const readiness = yield* Schema.decodeUnknownEffect(Readiness)(ready.body).pipe(
        Effect.mapError(() => new BusUnavailable({ url: bus.url, detail: "no bus answers there" }))
      )
      const info = yield* bus.request(Info, "GET", "/v1/info")
      const { shards } = yield* bus.request(Shards, "GET", "/v1/shards")
      const { subscriptions } = yield* bus.request(Subscriptions, "GET", "/v1/subscriptions")
      // Pods are for administrators; others see the one that they ask.
      const { pods } = yield* Effect.orElseSucceed(
        bus.request(Pods, "GET", "/v1/snapshot?scope=cluster"),
        () => ({ pods: [] })
      )
      yield* print(
        asked.json
          ? JSON.stringify({ url: bus.url, readiness, info, shards, subscriptions, pods })
          : screen(bus.url, readiness, info, shards, subscriptions, pods)
      )
      if (ready.status !== 200) {
        return yield* new BusUnavailable({ url: bus.url, detail: `it is ${readiness.status}` })
      }
    }))
).pipe(Command.withDescription("Show shards, subscriptions and dead letters of a running bus"))

const screen = (
  address: string,
  { degraded, status }: typeof Readiness.Type,
  info: typeof Info.Type,
  shards: typeof Shards.Type["shards"],
  subscriptions: typeof Subscriptions.Type["subscriptions"],
  pods: ReadonlyArray<Pod>
): string => {
  const deadLetters = subscriptions.reduce((sum, each) => sum + each.deadLetters, 0)
  return [
    `Code Factory Bus ${info.version} at ${address}: ${status}`,
    `profile ${info.profile}, durability ${info.durability}, up ${uptime(info.uptimeMs)}`,
    ...degraded.map((reason) => `degraded: ${reason}`),
    ...pods.length > 1 ? ["", podTable(pods)] : [],
    "",
    shardTable(shards),
    "",
    subscriptions.length === 0
      ? "no subscriptions; codefactory subscribe NAME --topic PATTERN makes one"
      : subscriptionTable(subscriptions),
    "",
    deadLetters === 0
      ? "no dead letters"
      : `${counted(deadLetters, "dead letter")}; codefactory dead-letters list shows them`
  ].join("\n")
}

const podTable = (pods: ReadonlyArray<Pod>): string =>
  table(
    ["POD", "STATE", "ADDRESS", "VERSION", "SEEN", "PUBLISHED", "PENDING", "IN FLIGHT"],
    pods.map(({ address = "-", pod, seenMs = 0, snapshot, version = "-" }) => {
      const { published = 0, state = "no answer", subscriptions = [] } = snapshot ?? {}
      const sum = (field: "inFlight" | "pending") =>
        subscriptions.reduce((total, one) => total + one[field], 0)
      return [
        pod,
        state.toLowerCase(),
        address,
        version,
        `${Math.ceil(seenMs / 1_000)} s ago`,
        ...[published, sum("pending"), sum("inFlight")].map(grouped)
      ]
    })
  )

const subscriptionTable = (subscriptions: typeof Subscriptions.Type["subscriptions"]): string =>
  table(
    ["SUBSCRIPTION", "TOPIC", "PENDING", "IN FLIGHT", "ACKED", "DEAD LETTERS"],
    subscriptions.map(({ acked, deadLetters, inFlight, name, pending, topic }) => [
      name,
      topic,
      ...[pending, inFlight, acked, deadLetters].map(grouped)
    ])
  )

/** To the second: "1h 2m 3s". */
const uptime = (ms: number): string =>
  Duration.format(Duration.seconds(Math.max(1, Math.floor(ms / 1_000))))
