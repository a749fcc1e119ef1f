/**
 * Requests: publish a message and wait for its reply.
 *
 * A request is an ordinary message, accepted and stored like any; its reply is not. It waits for
 * nobody: one that comes too late, twice or for an unknown request is counted and forgotten.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Draft } from "../domain/Message.ts"
import type { PublishError } from "./MessageBus.ts"

/** Nobody replied in time. The message is not delivered any more, unless it was before. */
export class RequestTimeout extends Schema.TaggedError<RequestTimeout>()("RequestTimeout", {
  topic: Schema.String,
  timeoutMs: Schema.Finite
}) {
  override get message(): string {
    return `nobody replied on ${this.topic} within ${this.timeoutMs} ms`
  }
}

/** As many requests wait as may. Remedy: ask again when some are answered. */
export class RequestLimit extends Schema.TaggedError<RequestLimit>()("RequestLimit", {
  limit: Schema.Int
}) {
  override get message(): string {
    return `${this.limit} requests wait for a reply; ask again later`
  }
}

/** Why a request has no reply. */
export type RequestError = RequestTimeout | RequestLimit | PublishError

/** What a responder answered. */
export interface Reply {
  /** JSON text. */
  readonly payload: string
  /** JSON text of an object whose values are strings. */
  readonly headers: string | undefined
  readonly contentType: string | undefined
}

/** The requests of a bus. */
export interface Requests {
  /**
   * Publishes the draft with the headers `reply-to` and `correlation-id`, and waits `timeoutMs` for
   * the first reply; a refused publish fails at once. The message expires with the wait. Whatever
   * comes of it, an interruption included, nothing is left behind.
   */
  readonly request: (draft: Draft, timeoutMs: number) => Effect.Effect<Reply, RequestError>
}
