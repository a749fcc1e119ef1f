/**
 * `codefactory shards`: show, count, staff, pause, resume or rebalance the shards of a running bus.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { HttpMethod } from "effect/http/HttpMethod"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Body, make } from "./BusClient.ts"
import { apiKey, json, url, whole } from "./Flags.ts"
import { print } from "./Output.ts"
import { Shards, shardTable } from "./ShardTable.ts"
import { grouped } from "./Table.ts"

const common = { url, apiKey, json }

const allPods = Flag.Boolean("all-pods").pipe(
  Flag.withDescription("Change the shards of all pods, not only of the one that is asked"),
  Flag.withDefault(false)
)

const changing = { ...common, allPods }

type Common = Parameters<typeof make>[0] & { readonly json: boolean; readonly allPods?: boolean }

const scopeOf = ({ allPods = false }: Pick<Common, "allPods">): string =>
  allPods ? "?scope=cluster" : ""

const count = Argument.Int("count")
const id = Argument.Int("id").pipe(Argument.withDescription("Number of the shard"))

/** Sends a request that is answered with the shards, and prints them. */
const printShards = (asked: Common, method: HttpMethod, path: string, body?: Body) =>
  Effect.interruptible(Effect.gen(function*() {
    const bus = yield* make(asked)
    const where = `/v1/shards${path}${scopeOf(asked)}`
    const { shards } = yield* bus.request(Shards, method, where, body)
    yield* print(asked.json ? JSON.stringify({ shards }) : shardTable(shards))
  }))

const setCount = Command.make(
  "count",
  { count, ...changing },
  (asked) => printShards(asked, "PUT", "/count", { json: { count: asked.count } })
).pipe(Command.withDescription("Let the bus have so many shards: 2 to 16"))

const setWorkers = Command.make(
  "workers",
  { count, shard: whole("shard", 0, 999, "Of this shard alone"), ...changing },
  (asked) =>
    printShards(asked, "PUT", "/workers", {
      json: {
        count: asked.count,
        ...Option.match(asked.shard, { onNone: () => ({}), onSome: (shard) => ({ shard }) })
      }
    })
).pipe(Command.withDescription("Let each shard, or one, run so many handlers at once: 2 to 8"))

const pause = Command.make(
  "pause",
  { id, ...changing },
  (asked) => printShards(asked, "POST", `/${asked.id}/pause`)
).pipe(Command.withDescription("Let a shard refuse publishes; delivery goes on"))

const resume = Command.make(
  "resume",
  { id, ...changing },
  (asked) => printShards(asked, "POST", `/${asked.id}/resume`)
).pipe(Command.withDescription("Let a paused shard take publishes again"))

const rebalance = Command.make(
  "rebalance",
  changing,
  (asked) =>
    Effect.interruptible(Effect.gen(function*() {
      const bus = yield* make(asked)
      const { moved } = yield* bus.request(
        Schema.Struct({ moved: Schema.Int }),
        "POST",
        `/v1/shards/rebalance${scopeOf(asked)}`
      )
      yield* print(asked.json ? JSON.stringify({ moved }) : `moved ${grouped(moved)} deliveries`)
    }))
).pipe(Command.withDescription("Bring home what waits in another shard than its own"))

/** `codefactory shards`; alone it shows them. */
export const shards = Command.make("shards", common, (asked) => printShards(asked, "GET", "")).pipe(
  Command.withDescription("Show the shards of a running bus, or change them"),
  Command.withSubcommands([setCount, setWorkers, pause, resume, rebalance])
)
