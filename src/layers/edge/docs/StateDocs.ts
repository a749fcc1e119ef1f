/**
 * The description of shards, decisions, the state of the bus and its own description.
 */
import * as Schema from "effect/Schema"
import { decodeInputs } from "../CapacityRoutes.ts"
import { decodePage } from "../DecisionRoutes.ts"
import { decodeCount, decodeScope, decodeWorkers } from "../ShardRoutes.ts"
import type { DocTable } from "./Documentation.ts"
import { Count, Instant, next } from "./Shapes.ts"

const json = "application/json"

const Shards = Schema.Struct({
  count: Count,
  shards: Schema.Array(Schema.Struct({
    id: Schema.Int,
    state: Schema.Literals(["open", "closed", "paused"]),
    queued: Schema.Struct({ high: Count, normal: Count }),
    bytes: Count,
    workers: Count,
    inFlight: Count
  }))
})

const ShardsOfAll = Schema.Struct({
  pods: Schema.Array(Schema.Struct({
    pod: Schema.String,
    ...Shards.fields,
    detail: Schema.optionalKey(Schema.String)
  }))
})

const shards = { 200: { means: "The shards as they are now", schema: Shards } }
const operating = { group: "Operating", query: decodeScope.schema, replies: shards } as const
const alive = {
  200: { means: "Yes", schema: Schema.Struct({ status: Schema.Literal("ok") }) }
} as const

const readiness = Schema.Struct({
  status: Schema.Literals(["ok", "degraded", "starting", "leaving", "closing"]),
  degraded: Schema.Array(Schema.String)
})

const agents = Schema.Struct({
  loading: Schema.Array(Schema.String),
  loaded: Schema.Array(
    Schema.Struct({ agent: Schema.String, subscriptions: Schema.Array(Schema.String) })
  ),
  failed: Schema.Array(Schema.Struct({ agent: Schema.String, reason: Schema.String }))
})

const startup = Schema.Struct({ status: Schema.Literals(["ok", "starting"]), agents })

const anything = Schema.Record(Schema.String, Schema.Unknown)

/** `/v1/shards`, `/v1/decisions`, `/v1/info`, `/v1/snapshot`, the probes and the documents. */
export const stateDocs: DocTable = {
  "GET /v1/shards": {
    ...operating,
    summary: "Show shards; those of all pods with scope=cluster",
    replies: { 200: { ...shards[200], schema: Schema.Union([Shards, ShardsOfAll]) } }
  },
  "POST /v1/shards/rebalance": {
    ...operating,
    summary: "Bring home what waits in another shard than its own",
    replies: { 200: { means: "Deliveries moved", schema: Schema.Struct({ moved: Count }) } },
    problems: ["ResizeRunning", "BusClosed"]
  },
  "POST /v1/shards/{id}/pause": {
    ...operating,
    summary: "Let a shard refuse publishes",
    problems: ["ShardUnknown", "BusClosed"]
  },
  "POST /v1/shards/{id}/resume": {
    ...operating,
    summary: "Let a shard take publishes again",
    problems: ["ShardUnknown", "BusClosed"]
  },
  "PUT /v1/shards/count": {
    ...operating,
    summary: "Change the number of shards",
    details: "Replied to when it is done. Nothing is lost, doubled or out of order.",
    bodies: { [json]: decodeCount.schema },
    problems: ["ResizeRunning", "CountOutOfRange", "BusClosed"]
  },
  "PUT /v1/shards/workers": {
    ...operating,
    summary: "Change the number of workers of one shard, or of all",
    bodies: { [json]: decodeWorkers.schema },
    problems: ["ShardUnknown", "CountOutOfRange", "BusClosed"]
  },
  "GET /v1/decisions": {
    group: "Operating",
    summary: "List decisions of the bus, with what they rest on",
    query: decodePage.schema,
    replies: {
      200: {
        means: "A page, ascending by id",
        schema: Schema.Struct({
          decisions: Schema.Array(Schema.Struct({
            id: Schema.String,
            at: Instant,
            kind: Schema.String,
            subject: Schema.String,
            rule: Schema.String,
            inputs: Schema.Record(Schema.String, Schema.Unknown),
            outcome: Schema.String,
            skipped: Count
          })),
          ...next
        })
      }
    }
  },
  "GET /v1/capacity": {
    group: "Operating",
    summary: "Plan pods, cores and memory for a load, by what this pod has measured",
    query: decodeInputs.schema,
    replies: {
      200: {
        means: "The plan, what it rests on, and which of that was measured",
        schema: anything
      }
    }
  },
  "GET /v1/snapshot": {
    group: "State",
    summary: "Show the live state of a pod: all that metrics see; of all pods with scope=cluster",
    query: decodeScope.schema,
    replies: { 200: { means: "Counters are totals since the start", schema: anything } }
  },
  "GET /v1/info": {
    group: "State",
    summary: "Show build, profile, limits and agents",
    replies: {
      200: {
        means: "The program that answers",
        schema: Schema.Struct({
          name: Schema.String,
          version: Schema.String,
          profile: Schema.String,
          durability: Schema.String,
          runtime: Schema.String,
          startedAt: Instant,
          uptimeMs: Count,
          limits: Schema.Record(Schema.String, Schema.Finite),
          agents
        })
      }
    }
  },
  "GET /livez": { group: "State", summary: "Whether this process answers", replies: alive },
  "GET /startupz": {
    group: "State",
    summary: "Whether it has started, and which agents serve",
    details: "It has when each agent was loaded or has failed; one that failed stops no other.",
    replies: {
      200: { means: "Started, possibly without some agents", schema: startup },
      503: { means: "Agents are being loaded", schema: startup }
    }
  },
  "GET /readyz": {
    group: "State",
    summary: "Whether it takes requests, and what is degraded",
    replies: {
      200: { means: "Ready, possibly degraded", schema: readiness },
      503: { means: "Agents are being loaded, or the end has begun", schema: readiness }
    }
  },
  "GET /openapi.json": {
    group: "State",
    summary: "This description",
    replies: { 200: { means: "OpenAPI 3.1", schema: anything } }
  },
  "GET /docs": {
    group: "State",
    summary: "This description, to be read",
    replies: { 200: { means: "A page", schema: Schema.String, contentType: "text/html" } }
  },
  "GET /problems/{type}": {
    group: "State",
    summary: "What a type of problem means",
    replies: { 200: { means: "A few lines", schema: Schema.String, contentType: "text/plain" } },
    problems: ["RouteUnknown"]
  }
}
