/**
 * The responses of a route: its replies, and the problems that its place in the table brings.
 */
import type * as Schema from "effect/Schema"
import { batchRefused, internal } from "../Problem.ts"
import { rows } from "../ProblemRows.ts"
import type { Route } from "../Web.ts"
import type { Documentation } from "./Documentation.ts"

/** One kind of problem. */
export interface Kind {
  readonly type: string
  readonly title: string
  readonly status: number
}

type Tag = keyof typeof rows

/** What any request may meet. */
const always: ReadonlyArray<Tag> = [
  "HttpMalformed",
  "PathMalformed",
  "HeadTooLarge",
  "HeadersExceeded",
  "PipelineFull",
  "RequestTooSlow",
  "ExpectationRefused",
  "HostRefused",
  "OriginRefused",
  "EdgeClosing"
]

const withBody: ReadonlyArray<Tag> = [
  "ContentTypeRefused",
  "EncodingRefused",
  "BodyTooLarge",
  "BodyMalformed",
  "DepthExceeded",
  "FieldsInvalid",
  "EdgeBusy"
]

const withKey: ReadonlyArray<Tag> = [
  "CredentialMissing",
  "CredentialInvalid",
  "CredentialsThrottled"
]

/** Every kind of problem that a route may be answered with. */
export const problemsOf = (route: Route, doc: Documentation): ReadonlyArray<Kind> => {
  const { access, body } = route
  const tags = new Set<Tag>([
    ...always,
    ...(body === undefined ? [] : withBody),
    ...(doc.query === undefined && doc.headers === undefined ? [] : ["FieldsInvalid"] as const),
    ...(access === "open" ? [] : withKey),
    ...(access === "open" || access === "known" ? [] : ["Forbidden"] as const),
    ...(access === "publish" ? ["RateLimited"] as const : []),
    ...(doc.problems ?? [])
  ])
  const kinds: ReadonlyArray<Kind> = [...Array.from(tags, (tag) => rows[tag].kind), internal]
  // None of a batch accepted: the status is one that its items were refused with.
  return doc.problems?.includes("BatchEmpty") === true
    ? [...kinds, ...batchStatuses.map((status) => batchRefused(status, "", 0))]
    : kinds
}

const batchStatuses = [400, 403, 409, 413, 422, 429, 503]

/** By status: replies first, problems after them. */
export const responsesOf = (
  route: Route,
  { problems: own = [], replies }: Documentation,
  problems: ReadonlyArray<Kind>,
  reply: (schema: Schema.Top) => object
): Readonly<Record<string, object>> => {
  const statuses = new Set([
    ...Object.keys(replies),
    ...problems.map(({ status }) => `${status}`).toSorted()
  ])
  return Object.fromEntries(Array.from(statuses, (status) => {
    const good = replies[Number(status)]
    const bad = problems.filter((kind) => `${kind.status}` === status)
    const schema = good?.schema
    const content = {
      ...(schema === undefined
        ? {}
        : { [good?.contentType ?? "application/json"]: { schema: reply(schema) } }),
      ...(bad.length === 0 ? {} : { "application/problem+json": problemContent })
    }
    // An item of a refused batch may be worth another try, whatever most were refused with.
    const mayRetry = retried.includes(status) || (bad.length > 0 && own.includes("BatchEmpty"))
    const headers = headersOf(route, status, mayRetry)
    return [status, {
      description: [
        ...(good === undefined ? [] : [good.means]),
        ...bad.map(({ title, type }) => `\`${type}\`: ${title}`)
      ].join("\n\n"),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(Object.keys(content).length === 0 ? {} : { content })
    }]
  }))
}

const problemContent = { schema: { $ref: "#/components/schemas/Problem" } }

const header = (description: string) => ({ description, schema: { type: "string" } })

const quota = {
  RateLimit: header("Requests left to this client, and seconds until there are more"),
  "RateLimit-Policy": header("Requests per window, and the seconds of a window")
}
const retryAfter = { "Retry-After": header("Seconds") }
const challenge = { "WWW-Authenticate": header("Bearer") }

const retried = ["409", "429", "503"]

const headersOf = (
  { access }: Route,
  status: string,
  mayRetry: boolean
): Readonly<Record<string, object>> => ({
  ...(access === "publish" ? quota : {}),
  ...(status === "401" ? challenge : {}),
  ...(mayRetry ? retryAfter : {})
})
