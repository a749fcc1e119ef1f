/**
 * What the description of the API says of a route besides what its place in the route table says.
 */
import type * as Schema from "effect/Schema"
import type { rows } from "../ProblemRows.ts"

/** The groups of routes, in the order of the page. */
export const groups = [
  "Publishing",
  "Subscriptions",
  "Consuming",
  "Dead letters",
  "Locks",
  "Sessions",
  "Operating",
  "State"
] as const

/** One reply that is no problem. */
export interface ReplyDoc {
  readonly means: string
  /** Of the body; a reply without has none. */
  readonly schema?: Schema.Top
  /** JSON unless set. */
  readonly contentType?: string
}

/** One route. Problems that follow from its place in the table are not repeated. */
export interface Documentation {
  readonly group: (typeof groups)[number]
  /** What it does, in a few words. */
  readonly summary: string
  /** What a caller should know besides. */
  readonly details?: string
  readonly query?: Schema.Top
  /** Request headers it looks at, by name, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>
  /** By content type. */
  readonly bodies?: Readonly<Record<string, Schema.Top>>
  readonly replies: Readonly<Record<number, ReplyDoc>>
  readonly problems?: ReadonlyArray<keyof typeof rows>
}

/** Routes by method and pattern, such as `GET /v1/shards`. */
export type DocTable = Readonly<Record<string, Documentation>>
