/**
 * The description of sessions.
 */
import * as Schema from "effect/Schema"
import { decodeRemove, decodeWrite } from "../SessionRoutes.ts"
import type { DocTable } from "./Documentation.ts"
import { Instant } from "./Shapes.ts"

const json = "application/json"

const written = {
  name: Schema.String,
  version: Schema.Int.annotate({
    description: "Greater than that of every writing of this name before, over its end as well"
  }),
  expiresAt: Instant
}

/** The routes of sessions, `/v1/sessions/{name}`. */
export const sessionDocs: DocTable = {
  "GET /v1/sessions/{name}": {
    group: "Sessions",
    summary: "Read what is kept under a name",
    replies: {
      200: {
        means: "As it was written",
        schema: Schema.Struct({ ...written, value: Schema.Unknown })
      }
    },
    problems: ["SessionUnknown", "SessionsUnavailable"]
  },
  "PUT /v1/sessions/{name}": {
    group: "Sessions",
    summary: "Keep a value under a name for a time",
    details:
      "With a version it is written only over that one, 0 for none; else over whatever is there.",
    bodies: { [json]: decodeWrite.schema },
    replies: { 200: { means: "Its version", schema: Schema.Struct(written) } },
    problems: ["SessionConflict", "SessionInvalid", "SessionLimit", "SessionsUnavailable"]
  },
  "DELETE /v1/sessions/{name}": {
    group: "Sessions",
    summary: "End a session",
    query: decodeRemove.schema,
    replies: { 204: { means: "It is gone" } },
    problems: ["SessionUnknown", "SessionConflict", "SessionsUnavailable"]
  }
}
