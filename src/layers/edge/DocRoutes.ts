/**
 * The description of the API, for programs and for readers.
 */
import * as Effect from "effect/Effect"
import { openApi } from "./docs/OpenApi.ts"
import { pageOf } from "./docs/Page.ts"
import { rows } from "./ProblemRows.ts"
import { Refusal } from "./Refusal.ts"
import { jsonText, type Reply, type Route } from "./Web.ts"

const open = { method: "GET", access: "open", body: undefined, waits: false } as const

/** `/openapi.json`, `/docs` and `/problems/{type}`, over all routes: these and the given ones. */
export const docRoutes = (routes: ReadonlyArray<Route>, version: string): ReadonlyArray<Route> => {
  const own: ReadonlyArray<Route> = [
    { ...open, pattern: "/openapi.json", handle: () => Effect.sync(() => described().text) },
    { ...open, pattern: "/docs", handle: () => Effect.sync(() => described().page) },
    { ...open, pattern: "/problems/{type}", handle: ({ params }) => problem(params["type"] ?? "") }
  ]
  const described = once(() => describe([...routes, ...own], version))
  return own
}

/** Made when first asked for: some 30 ms that no start has to wait for. */
const once = <A>(make: () => A): () => A => {
  const kept: { value?: A } = {}
  return () => kept.value ??= make()
}

const describe = (routes: ReadonlyArray<Route>, version: string) => {
  const document = openApi(routes, version)
  const page: Reply = {
    status: 200,
    contentType: "text/html; charset=utf-8",
    headers: pageHeaders,
    body: pageOf(document)
  }
  return { text: jsonText(200, JSON.stringify(document)), page }
}

/** The page needs nothing from anywhere, and no script. */
const pageHeaders = {
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
  "x-content-type-options": "nosniff"
}

const byName = new Map(
  Object.values(rows).map(({ kind }) => [kind.type.slice("/problems/".length), kind])
)

const problem = (name: string): Effect.Effect<Reply, Refusal> => {
  const kind = byName.get(name)
  return kind === undefined
    ? Effect.fail(Refusal.RouteUnknown({ path: `/problems/${name}` }))
    : Effect.succeed({
      status: 200,
      contentType: "text/plain; charset=utf-8",
      headers: { "x-content-type-options": "nosniff" },
      body: `${kind.title}\n\nStatus ${kind.status}. Type ${kind.type}, which never changes.\n` +
        "What happened to a request stands in the detail of its problem document.\n"
    })
}
