/**
 * The description of locks.
 */
import * as Schema from "effect/Schema"
import { decodeAcquire, decodeRelease, decodeRenew } from "../LockRoutes.ts"
import type { DocTable } from "./Documentation.ts"
import { Instant } from "./Shapes.ts"

const json = "application/json"

const Lock = Schema.Struct({
  name: Schema.String,
  owner: Schema.String,
  fencingToken: Schema.Int.annotate({
    description:
      "Greater than that of every lease before; a store that checks it refuses older ones"
  }),
  expiresAt: Instant
})

/** The routes of locks, `/v1/locks/{name}`. */
export const lockDocs: DocTable = {
  "POST /v1/locks/{name}": {
    group: "Locks",
    summary: "Acquire a lease without waiting",
    details:
      "Its holder renews it at a third of its time and checks the fencing token where it writes.",
    bodies: { [json]: decodeAcquire.schema },
    replies: { 201: { means: "The lease", schema: Lock } },
    problems: ["LeaseHeld", "LeaseLimit", "LeasesUnavailable"]
  },
  "PUT /v1/locks/{name}": {
    group: "Locks",
    summary: "Renew a lease that is still held",
    bodies: { [json]: decodeRenew.schema },
    replies: { 200: { means: "The lease as it is now", schema: Lock } },
    problems: ["LeaseLost", "LeasesUnavailable"]
  },
  "DELETE /v1/locks/{name}": {
    group: "Locks",
    summary: "Release a lease",
    query: decodeRelease.schema,
    replies: { 204: { means: "It is free" } },
    problems: ["LeaseLost", "LeasesUnavailable"]
  }
}
