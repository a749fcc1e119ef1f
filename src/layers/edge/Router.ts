/**
 * The router: which route a method and a path mean.
 *
 * A tree of path segments, walked once per request; a literal segment goes before a parameter.
 */
import * as Result from "effect/Result"
import { Refusal } from "./Refusal.ts"
import type { Route } from "./Web.ts"

/** A route found, with the parameters of its path, percent-decoded. */
export interface Matched {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** Finds the route of a method and a raw path without query. */
export type Router = (method: string, path: string) => Result.Result<Matched, Refusal>

/** Built up once, read-only from then on. */
interface Node {
  readonly literals: Map<string, Node>
  readonly parameters: Array<readonly [name: string, node: Node]>
  readonly routes: Map<string, Route>
}

const node = (): Node => ({ literals: new Map(), parameters: [], routes: new Map() })

/** The router of a table. `HEAD` is answered as `GET`; the front leaves the body out. */
export const makeRouter = (routes: ReadonlyArray<Route>): Router => {
  const root = node()
  for (const route of routes) {
    const end = route.pattern.slice(1).split("/").reduce(child, root)
    end.routes.set(route.method, route)
    if (route.method === "GET") end.routes.set("HEAD", route)
  }
  return (method, path) => find(root, method, path)
}

const child = (parent: Node, segment: string): Node => {
  const name = /^\{(\w+)\}$/.exec(segment)?.[1]
  const existing = name === undefined
    ? parent.literals.get(segment)
    : parent.parameters.find(([known]) => known === name)?.[1]
  if (existing !== undefined) return existing
  const made = node()
  if (name === undefined) parent.literals.set(segment, made)
  else parent.parameters.push([name, made])
  return made
}

/** Segments of the longest pattern, and one: a longer path is unknown without splitting it all. */
const segmentsMax = 8

const find = (root: Node, method: string, path: string): Result.Result<Matched, Refusal> => {
  const params: Record<string, string> = {}
  let at = root // Measured hot loop: a few turns for every request.
  for (const segment of path.slice(1).split("/", segmentsMax)) {
    const literal = at.literals.get(segment)
    const parameter = at.parameters[0]
    if (literal !== undefined) at = literal
    else if (parameter === undefined || segment === "") {
      return Result.fail(Refusal.RouteUnknown({ path }))
    } else {
      const value = segment.includes("%") ? decodeSegment(segment) : Result.succeed(segment)
      if (Result.isFailure(value)) return Result.fail(value.failure)
      params[parameter[0]] = value.success
      at = parameter[1]
    }
  }
  const route = at.routes.get(method)
  return route !== undefined
    ? Result.succeed({ route, params })
    : Result.fail(
      at.routes.size === 0
        ? Refusal.RouteUnknown({ path })
        : Refusal.MethodRefused({ method, allow: Array.from(at.routes.keys()).join(", ") })
    )
}

const decodeSegment = (segment: string): Result.Result<string, Refusal> =>
  Result.try({
    try: () => decodeURIComponent(segment),
    catch: () => Refusal.PathMalformed({ path: segment })
  })
