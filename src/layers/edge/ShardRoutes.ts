/**
 * Shards: shown, resized, paused and resumed, rebalanced, and given workers.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { shardCountRange } from "../../domain/Ring.ts"
import type { Snapshot } from "../../domain/Snapshot.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { type Shards, ShardUnknown, workerCountRange } from "../../services/Shards.ts"
import { bodyObject, decoder, jsonBody } from "./BodyDecoding.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import type { Refusal } from "./Refusal.ts"
import { json, type Request, type Route } from "./Web.ts"

type Bus = MessageBus["Service"]

const all = "/v1/shards"
const admin = { access: "admin", body: undefined, waits: false } as const

/** `/v1/shards` and what lies under it. */
export const shardRoutes = (bus: Bus): ReadonlyArray<Route> => [
  { ...admin, method: "GET", access: "known", pattern: all, handle: show(bus) },
  { ...admin, method: "POST", pattern: `${all}/rebalance`, handle: rebalance(bus) },
  { ...admin, method: "POST", pattern: `${all}/{id}/pause`, handle: each(bus, "pause") },
  { ...admin, method: "POST", pattern: `${all}/{id}/resume`, handle: each(bus, "resume") },
  // It may wait for handlers; a client that goes does not undo it.
  { ...admin, method: "PUT", pattern: `${all}/count`, body: jsonBody, handle: setCount(bus) },
  { ...admin, method: "PUT", pattern: `${all}/workers`, body: jsonBody, handle: setWorkers(bus) }
]

/** The query of whatever may be meant of one pod, or of all. */
export const decodeScope = queryDecoder(
  Schema.Struct({ scope: Schema.optionalKey(Schema.Literals(["pod", "cluster"])) })
)

/** The body of a change of the number of shards. */
export const decodeCount = decoder(
  Schema.Struct({ count: Schema.Int.check(Schema.isBetween(shardCountRange)) })
)

/** The body of a change of workers. */
export const decodeWorkers = decoder(Schema.Struct({
  count: Schema.Int.check(Schema.isBetween(workerCountRange)),
  shard: Schema.optionalKey(Schema.Int)
}))

/** Whether all pods are meant. */
export const isOfAll = ({ head }: Request): Result.Result<boolean, Refusal> =>
  Result.map(decodeScope(head.query), ({ scope }) => scope === "cluster")

/** The shards that a request means. */
const shardsOf = (bus: Bus, request: Request): Result.Result<Shards, Refusal> =>
  Result.map(isOfAll(request), (isAll) => isAll ? bus.shardsOfAll : bus.shards)

const show = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    if (!(yield* Effect.fromResult(isOfAll(request)))) return shown(bus)
    const pods = yield* bus.pods
    return json(200, {
      pods: pods.map(({ detail, pod, snapshot }) => ({
        pod,
        ...snapshot === undefined ? { count: 0, shards: [], detail } : shardsIn(snapshot)
      }))
    })
  })

const shown = (bus: Bus) => json(200, shardsIn(bus.snapshot()))

const shardsIn = ({ shards }: Pick<Snapshot, "shards">) => ({
  count: shards.length,
  shards: shards.map(({ bytes, gate, id, inFlight, paused, queued, workers }) => ({
    id,
    state: paused ? "paused" : gate.toLowerCase(),
    queued,
    bytes,
    workers,
    inFlight
  }))
})

const idOf = ({ params }: Request): Result.Result<number, ShardUnknown> => {
  const id = params["id"] ?? ""
  return /^\d{1,9}$/.test(id)
    ? Result.succeed(Number(id))
    : Result.fail(new ShardUnknown({ id }))
}

const each = (bus: Bus, change: "pause" | "resume") =>
  Effect.fnUntraced(function*(request: Request) {
    const shards = yield* Effect.fromResult(shardsOf(bus, request))
    yield* shards[change](yield* Effect.fromResult(idOf(request)))
    return shown(bus)
  })

const setCount = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    const shards = yield* Effect.fromResult(shardsOf(bus, request))
    const { count } = yield* Effect.fromResult(
      Result.flatMap(bodyObject(request.body), decodeCount)
    )
    yield* shards.setCount(count)
    return shown(bus)
  })

const setWorkers = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    const shards = yield* Effect.fromResult(shardsOf(bus, request))
    const { count, shard } = yield* Effect.fromResult(
      Result.flatMap(bodyObject(request.body), decodeWorkers)
    )
    yield* shards.setWorkers(count, shard)
    return shown(bus)
  })

const rebalance = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    const shards = yield* Effect.fromResult(shardsOf(bus, request))
    return json(200, yield* shards.rebalance)
  })
