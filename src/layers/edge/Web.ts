/**
 * Requests and replies as the edge sees them: plain values that no HTTP server is part of, so that
 * `node:http` and other fronts share everything behind them.
 */
import type * as Effect from "effect/Effect"
import type { Action, Grant } from "../../domain/ApiKey.ts"
import type { Answerable } from "./Answerable.ts"

/** The head of a request. `path` and `query` are as sent; the query has no `?`. */
export interface Head {
  readonly method: string
  readonly path: string
  readonly query: string
  /** The address of the peer; empty when it is gone already. */
  readonly remote: () => string
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined
}

/** Who asks: a key by what it allows, or anybody where none is needed. */
export interface Caller {
  readonly grant: Grant | undefined
}

/** A whole request. `params` are the path's, percent-decoded; the body is empty if none is due. */
export interface Request {
  readonly head: Head
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Starts a streaming reply of status 200; what the handler returns then only ends it. */
  readonly begin: (
    contentType: string,
    headers: Readonly<Record<string, string>>
  ) => Effect.Effect<Sink>
}

/** Where a streaming reply goes. */
export interface Sink {
  /**
   * Writes pieces of UTF-8, at once; bytes are not copied and must not change. Says whether there
   * is room for more.
   */
  readonly write: (pieces: ReadonlyArray<string | Uint8Array>) => boolean
  /** Waits while too much of what was written has not left yet. */
  readonly room: Effect.Effect<void>
}

/** What is sent back. The body is text; its length and the date are the front's to add. */
export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Which bodies a route reads; the limit is in bytes. */
export interface BodyRule {
  readonly contentTypes: ReadonlyArray<string>
  readonly bytesMax: number
}

/** Who may ask: everybody, every known key, or a key that allows this action. */
export type Access = "open" | "known" | Action

/** One route. In `pattern` a segment in braces is a parameter. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly pattern: string
  /**
   * Checked before the body is read. Under an action, topics are checked as well: that of `{topic}`
   * in the pattern, or all of the subscription that `/v1/subscriptions/{name}` names.
   */
  readonly access: Access
  readonly body: BodyRule | undefined
  /** It may wait for long, so it is interrupted once the client is gone or the server closes. */
  readonly waits: boolean
  readonly handle: (request: Request) => Effect.Effect<Reply, Answerable>
}

/** The content type of all answers but problems. */
export const jsonType = "application/json"

const noHeaders: Readonly<Record<string, string>> = {}

/** A reply of JSON text. */
export const jsonText = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = noHeaders
): Reply => ({ status, contentType: jsonType, headers, body })

/** A reply of a value as JSON. */
export const json = (status: number, value: unknown): Reply =>
  jsonText(status, JSON.stringify(value))

/** A reply without a body. */
export const empty = (status: number): Reply => ({
  status,
  contentType: "",
  headers: noHeaders,
  body: ""
})
