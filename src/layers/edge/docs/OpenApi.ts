/**
 * The description of the API: OpenAPI 3.1, made from the table that serves it.
 */
import * as Schema from "effect/Schema"
import { SubscriptionName } from "../../../domain/Subscription.ts"
import { TopicName } from "../../../domain/Topic.ts"
import { batchRefused, internal } from "../Problem.ts"
import { rows } from "../ProblemRows.ts"
import type { Route } from "../Web.ts"
import { deadLetterDocs } from "./DeadLetterDocs.ts"
import { type DocTable, type Documentation, groups } from "./Documentation.ts"
import { lockDocs } from "./LockDocs.ts"
import { messageDocs } from "./MessageDocs.ts"
import { problemsOf, responsesOf } from "./Responses.ts"
import { sessionDocs } from "./SessionDocs.ts"
import { stateDocs } from "./StateDocs.ts"
import { subscriptionDocs } from "./SubscriptionDocs.ts"

/** Every route's description. */
export const allDocs: DocTable = {
  ...messageDocs,
  ...subscriptionDocs,
  ...deadLetterDocs,
  ...lockDocs,
  ...sessionDocs,
  ...stateDocs
}

/** JSON, as documents have it. */
export type Json = Readonly<Record<string, unknown>>

/** Whether replies may have fields that are not described: of a client's copy, yes. */
export interface Strictness {
  readonly replies: "open" | "closed"
}

/** The document of a table of routes. */
export const openApi = (
  routes: ReadonlyArray<Route>,
  version: string,
  { replies }: Strictness = { replies: "open" }
): Json => ({
  openapi: "3.1.0",
  info: {
    title: "Code Factory Bus",
    version,
    description: "A durable message bus: publish to topics, deliver at least once, in order per " +
      "key. Every error is a problem document (RFC 9457) whose `type` clients may branch on."
  },
  servers: [{ url: "/" }],
  tags: groups.map((name) => ({ name })),
  paths: pathsOf(routes, (schema) => schemaOf(schema, replies === "closed")),
  components: {
    securitySchemes: {
      key: {
        type: "http",
        scheme: "bearer",
        description: "`<id>.<secret>`, if the server has API keys"
      }
    },
    schemas: { Problem: problemSchema }
  }
})

/** JSON Schema of a schema; `closed` objects have no other fields. */
export const schemaOf = (schema: Schema.Top, closed: boolean): Json =>
  Schema.toJsonSchemaDocument(schema, { onExcessProperty: closed ? "error" : "ignore" }).schema

const types = [
  ...Object.values(rows).map(({ kind }) => kind.type),
  internal.type,
  batchRefused(400, "", 0).type
]

const problemSchema = {
  type: "object",
  description: "RFC 9457; fields beside these depend on the type",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string", enum: types },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" }
  }
}

const pathsOf = (routes: ReadonlyArray<Route>, reply: (schema: Schema.Top) => Json): Json => {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const doc = allDocs[`${route.method} ${route.pattern}`]
    if (doc === undefined) continue // A test sees to it that there is none.
    const path = paths[route.pattern] ??= {}
    path[route.method.toLowerCase()] = operationOf(route, doc, reply)
  }
  return paths
}

const operationOf = (
  route: Route,
  doc: Documentation,
  reply: (schema: Schema.Top) => Json
): Json => {
  const { bodies, details, group, summary } = doc
  const allows = { open: "Needs no key.", known: "Needs any key." }
  const needs = route.access === "open" || route.access === "known"
    ? allows[route.access]
    : `Needs a key that allows \`${route.access}\`.`
  return {
    operationId: operationId(route),
    summary,
    description: details === undefined ? needs : `${details} ${needs}`,
    tags: [group],
    ...(route.access === "open" ? { security: [] } : { security: [{ key: [] }, {}] }),
    ...parametersOf(route, doc),
    ...(bodies === undefined ? {} : {
      requestBody: {
        required: true,
        content: Object.fromEntries(
          Object.entries(bodies).map((
            [type, schema]
          ) => [type, { schema: schemaOf(schema, true) }])
        )
      }
    }),
    responses: responsesOf(route, doc, problemsOf(route, doc), reply)
  }
}

/** Such as `postSubscriptionsNamePull`. */
const operationId = ({ method, pattern }: Route): string =>
  method.toLowerCase() +
  pattern.replace(/^\/v1/, "").replaceAll(/[^A-Za-z]+([A-Za-z])?/g, (_, letter = "") =>
    letter.toUpperCase())

const ofPath: Readonly<Record<string, Json>> = {
  topic: schemaOf(TopicName, true),
  name: schemaOf(SubscriptionName, true)
}

const parametersOf = ({ pattern }: Route, { headers = {}, query }: Documentation): Json => {
  const inPath = Array.from(pattern.matchAll(/\{(\w+)\}/g), ([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: ofPath[name] ?? { type: "string" }
  }))
  const inHead = Object.entries(headers).map(([name, description]) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" }
  }))
  const parameters = [...inPath, ...queryOf(query), ...inHead]
  return parameters.length === 0 ? {} : { parameters }
}

const queryOf = (query: Schema.Top | undefined): ReadonlyArray<Json> => {
  if (query === undefined) return []
  const { properties = {}, required = [] } = schemaOf(query, true)
  return Object.entries(properties ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: Array.isArray(required) && required.includes(name),
    schema
  }))
}
