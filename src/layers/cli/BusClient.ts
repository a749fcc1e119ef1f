/**
 * The client: requests to the HTTP API of a running bus.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import type { HttpMethod } from "effect/http/HttpMethod"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type Line, linesOf } from "./Lines.ts"
import { parse } from "./LosslessJson.ts"

/** Where a bus answers unless told otherwise. Source: design, section 6 (HOST and PORT). */
export const urlDefault = "http://127.0.0.1:8000"

/** Longest wait for an answer: that of a pull, and time for a slow network. */
const answerTimeout = Duration.seconds(60)

/** No bus answers at `url`, or it does not take requests now. Remedy: start it, or try again. */
export class BusUnavailable extends Data.TaggedError("BusUnavailable")<{
  readonly url: string
  readonly detail: string
}> {
  override get message(): string {
    return `no bus at ${this.url}: ${this.detail}\n` +
      "Start one with \"codefactory serve\", or name another with --url or CODEFACTORY_URL."
  }
}

/** The bus refused a request; `body` is the problem document it sent. */
export class RequestRefused extends Data.TaggedError("RequestRefused")<{
  readonly status: number
  readonly body: unknown
}> {
  override get message(): string {
    return `the bus refused: ${problemText(this.body, this.status)}`
  }
}

const Problem = Schema.Struct({ title: Schema.String, detail: Schema.optionalKey(Schema.String) })
const decodeProblem = Schema.decodeUnknownResult(Problem)

/** A problem document in words. */
export const problemText = (body: unknown, status: number): string =>
  Result.match(decodeProblem(body), {
    onFailure: () => `status ${status}`,
    onSuccess: ({ detail, title }) => detail === undefined ? title : `${title}: ${detail}`
  })

/** An object of which some fields are known and all are kept, for those who print it whole. */
export const open = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.StructWithRest(Schema.Struct(fields), [Schema.Record(Schema.String, Schema.Unknown)])

/** What is sent: a value as JSON, or a text with its content type. */
export type Body = { readonly json: unknown } | { readonly text: string; readonly type: string }

/** What can go wrong with a request. */
export type ClientError = BusUnavailable | RequestRefused

/** A bus at one address. */
export interface BusClient {
  readonly url: string
  /** Sends a request and gives the JSON of the answer, whatever its status. */
  readonly ask: (
    method: HttpMethod,
    path: string,
    body?: Body
  ) => Effect.Effect<{ readonly status: number; readonly body: unknown }, BusUnavailable>
  /** The JSON of a good answer, decoded; any other answer is an error. */
  readonly request: <A>(
    schema: Schema.Decoder<A>,
    method: HttpMethod,
    path: string,
    body?: Body
  ) => Effect.Effect<A, ClientError>
  /** The lines of an answer that may go on for ever, as they complete; blank ones left out. */
  readonly lines: (
    path: string,
    headers: Readonly<Record<string, string>>
  ) => Stream.Stream<ReadonlyArray<Line>, ClientError>
}

/** Where the bus is, and the key to it, if it needs one. */
export interface Asked {
  readonly url: string
  readonly apiKey: Option.Option<Redacted.Redacted>
}

/** The client of the bus at `url`. */
export const make = Effect.fnUntraced(function*({ apiKey, url }: Asked) {
  const http = yield* HttpClient.HttpClient
  const base = url.replace(/\/+$/, "")
  const unavailable = (detail: string) => new BusUnavailable({ url: base, detail })

  const ask: BusClient["ask"] = Effect.fnUntraced(function*(method, path, body) {
    const bare = HttpClientRequest.make(method)(`${base}${path}`)
    const empty = Option.isSome(apiKey) ? HttpClientRequest.bearerToken(bare, apiKey.value) : bare
    const request = body === undefined
      ? empty
      : "text" in body
      ? HttpClientRequest.bodyText(empty, body.text, body.type)
      : HttpClientRequest.bodyText(empty, JSON.stringify(body.json), "application/json")
    const [status, text] = yield* http.execute(request).pipe(
      Effect.flatMap((response) =>
        Effect.map(response.text, (text) => [response.status, text] as const)
      ),
      Effect.mapError((error) => unavailable(reasonOf(error))),
      Effect.timeoutOrElse({
        duration: answerTimeout,
        orElse: () => Effect.fail(unavailable(`no answer within ${Duration.format(answerTimeout)}`))
      })
    )
    const parsed = text === "" ? Result.succeed(undefined) : parse(text)
    if (Result.isFailure(parsed)) return yield* unavailable("what answers there is no bus")
    return { status, body: parsed.success }
  })

  const request: BusClient["request"] = Effect.fnUntraced(function*(schema, method, path, body) {
    const answer = yield* ask(method, path, body)
    if (answer.status === 503) {
      return yield* unavailable(`it is there, but: ${problemText(answer.body, answer.status)}`)
    }
    if (answer.status >= 300) return yield* new RequestRefused(answer)
    return yield* Schema.decodeUnknownEffect(schema)(answer.body).pipe(
      Effect.mapError(() => unavailable("what answers there is no bus of this version"))
    )
  })

  const lines: BusClient["lines"] = (path, headers) => {
    const asked = HttpClientRequest.get(`${base}${path}`, { headers })
    const request = Option.isSome(apiKey)
      ? HttpClientRequest.bearerToken(asked, apiKey.value)
      : asked
    const stream = http.execute(request).pipe(
      Effect.flatMap((response): Effect.Effect<HttpClientResponse, StreamError> =>
        response.status < 300 ? Effect.succeed(response) : refusalOf(response, unavailable)
      ),
      Effect.map((response) => linesOf(response.stream))
    )
    return Stream.mapError(Stream.unwrap(stream), (error) =>
      error._tag === "HttpClientError"
        ? unavailable(reasonOf(error))
        : error._tag === "InputMalformed"
        ? unavailable("what answers there is no bus")
        : error)
  }

  return { url: base, ask, request, lines } satisfies BusClient
})

type StreamError = ClientError | HttpClientError.HttpClientError

/** The error of an answer that is none of the wanted. */
const refusalOf = (
  response: HttpClientResponse,
  unavailable: (detail: string) => BusUnavailable
): Effect.Effect<never, StreamError> =>
  Effect.flatMap(response.text, (text) => {
    const body = Result.getOrElse(parse(text), () => undefined)
    const { status } = response
    return Effect.fail(
      status === 503
        ? unavailable(`it is there, but: ${problemText(body, status)}`)
        : new RequestRefused({ status, body })
    )
  })

/** The innermost reason: "fetch failed" alone helps nobody. */
const reasonOf = (error: HttpClientError.HttpClientError): string => {
  const code = codeOf(error.reason)
  return code === "ECONNREFUSED" ? "connection refused" : code ?? error.message
}

/** The first system error code in a chain of causes. */
const codeOf = (cause: unknown): string | undefined =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string"
    ? cause.code
    : Predicate.hasProperty(cause, "cause")
    ? codeOf(cause.cause)
    : undefined
