/**
 * Refusals: what the edge itself says no to, before the bus hears of it.
 *
 * Values, not errors with stacks: a flood of bad requests must stay cheap.
 */
import * as Data from "effect/Data"
import type { Action } from "../../domain/ApiKey.ts"

/** One field that is not usable and what was expected of it. */
export interface FieldError {
  readonly field: string
  readonly reason: string
}

/** Every refusal of the edge; `Problem.ts` gives each one its answer. */
export type Refusal = Data.TaggedEnum<{
  /** No route has this path. */
  RouteUnknown: { readonly path: string }
  /** The path is there, the method is not. */
  MethodRefused: { readonly method: string; readonly allow: string }
  /** The path is not percent-encoded UTF-8. */
  PathMalformed: { readonly path: string }
  /** The request was addressed to a name that is not this server's: DNS rebinding. */
  HostRefused: { readonly host: string }
  /** A web page of another site sent it. */
  OriginRefused: { readonly origin: string }
  ContentTypeRefused: { readonly found: string; readonly expected: ReadonlyArray<string> }
  EncodingRefused: { readonly encoding: string }
  BodyTooLarge: { readonly limitBytes: number }
  BodyMalformed: {
    readonly kind: "NotUtf8" | "NotJson" | "NotObject" | "NotArray"
    readonly reason: string
  }
  DepthExceeded: { readonly limit: number }
  FieldsInvalid: { readonly errors: ReadonlyArray<FieldError> }
  BatchEmpty: {}
  BatchTooLarge: { readonly limit: number }
  MessageUnknown: { readonly id: string }
  SessionUnknown: { readonly name: string }
  /** Not HTTP/1.1. */
  HttpMalformed: { readonly reason: string }
  HeadTooLarge: { readonly limitBytes: number }
  HeadersExceeded: { readonly limit: number }
  /** The connection has as many requests under way as one may have. */
  PipelineFull: { readonly limit: number }
  RequestTooSlow: { readonly limitMs: number }
  ExpectationRefused: { readonly expectation: string }
  /** No credential, where one is needed. */
  CredentialMissing: {}
  /** No key has this id and secret. */
  CredentialInvalid: {}
  /** So many wrong credentials wait for their answer that this one was not given a place. */
  CredentialsThrottled: { readonly retryAfterMs: number }
  /** The key does not allow the action, or not on the topic (or pattern), if one is named. */
  Forbidden: {
    readonly id: string
    readonly action: Action
    readonly topic: string | undefined
  }
  /** The client sent more publish requests than a window has. */
  RateLimited: {
    readonly client: string
    readonly limit: number
    readonly windowSeconds: number
    readonly retryAfterMs: number
  }
  /** The bodies that are being read take all the memory they may. */
  EdgeBusy: { readonly limitBytes: number }
  /** The server is closing and ended the request. */
  EdgeClosing: {}
}>

/** Constructors and matchers of refusals. */
export const Refusal = Data.taggedEnum<Refusal>()

/** The refusal of one field. */
export const fieldInvalid = (field: string, reason: string): Refusal =>
  Refusal.FieldsInvalid({ errors: [{ field, reason }] })

/** The methods that routes have: what is allowed where no path is looked at. */
export const anyMethod = "GET, HEAD, POST, PUT, PATCH, DELETE"
