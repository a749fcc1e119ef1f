/**
 * Shards: shown, resized, paused and resumed, rebalanced, and given workers.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { shardCountRange } from "../../domain/Ring.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { ShardUnknown, workerCountRange } from "../../services/Shards.ts"
import { bodyObject, decoder, jsonBody } from "./BodyDecoding.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { json, type Request, type Route } from "./Web.ts"

type Bus = MessageBus["Service"]

const all = "/v1/shards"
const admin = { access: "admin", body: undefined, waits: false } as const

/** `/v1/shards` and what lies under it. */
export const shardRoutes = (bus: Bus): ReadonlyArray<Route> => [
  { ...admin, method: "GET", access: "known", pattern: all, handle: show(bus) },
  { ...admin, method: "POST", pattern: `${all}/rebalance`, handle: rebalance(bus) },
  { ...admin, method: "POST", pattern: `${all}/{id}/pause`, handle: each(bus, bus.shards.pause) },
  { ...admin, method: "POST", pattern: `${all}/{id}/resume`, handle: each(bus, bus.shards.resume) },
  // It may wait for handlers; a client that goes does not undo it.
  { ...admin, method: "PUT", pattern: `${all}/count`, body: jsonBody, handle: setCount(bus) },
  { ...admin, method: "PUT", pattern: `${all}/workers`, body: jsonBody, handle: setWorkers(bus) }
]

/** The query of all routes of shards: one pod is its cluster, so both scopes say the same. */
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

const scoped = ({ head }: Request) => Effect.fromResult(decodeScope(head.query))

const show = (bus: Bus) => (request: Request) => Effect.map(scoped(request), () => shown(bus))

const shown = (bus: Bus) => {
  const { shards } = bus.snapshot()
  return json(200, {
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
}

const idOf = ({ params }: Request): Result.Result<number, ShardUnknown> => {
  const id = params["id"] ?? ""
  return /^\d{1,9}$/.test(id)
    ? Result.succeed(Number(id))
    : Result.fail(new ShardUnknown({ id }))
}

const each = (bus: Bus, change: Bus["shards"]["pause"]) =>
  Effect.fnUntraced(function*(request: Request) {
    yield* scoped(request)
    yield* change(yield* Effect.fromResult(idOf(request)))
    return shown(bus)
  })

const setCount = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    yield* scoped(request)
    const { count } = yield* Effect.fromResult(
      Result.flatMap(bodyObject(request.body), decodeCount)
    )
    yield* bus.shards.setCount(count)
    return shown(bus)
  })

const setWorkers = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    yield* scoped(request)
    const { count, shard } = yield* Effect.fromResult(
      Result.flatMap(bodyObject(request.body), decodeWorkers)
    )
    yield* bus.shards.setWorkers(count, shard)
    return shown(bus)
  })

const rebalance = (bus: Bus) =>
  Effect.fnUntraced(function*(request: Request) {
    yield* scoped(request)
    return json(200, yield* bus.shards.rebalance)
  })
