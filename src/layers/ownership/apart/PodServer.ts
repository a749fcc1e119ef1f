/**
 * The server of a pod for other pods: one request and one reply, over HTTP.
 *
 * Who asks shows the token that this process has in the registry; so it can read that.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ByteSize from "effect/ByteSize"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import { timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import { isLoopback } from "../../../domain/Loopback.ts"
import { EdgeUnbound } from "../../../services/EdgeAddress.ts"

/** Where pods ask. */
export const askPath = "/ask"

/** Longest request, in bytes: a batch of 5,000 ack ids, many times over. */
const bodyBytesMax = ByteSize.mebibytes(16)

/** Most connections: each other pod has one for every subscription that is waited for. */
const connectionsMax = 10_000

/** How long what is under way may take to end with the pod. */
const closeWithin = Duration.seconds(1)

/** How a pod is reached by others. */
export interface PodServerOptions {
  /** The address that others know. */
  readonly address: string
  readonly port: number
  readonly token: string
}

/** Answers what other pods ask, until the scope closes. */
export const serve = (
  { address, port, token }: PodServerOptions,
  answer: (request: Uint8Array) => Effect.Effect<Uint8Array>
): Effect.Effect<void, EdgeUnbound, Scope.Scope> =>
  Effect.gen(function*() {
    const host = isLoopback(address) ? address : "0.0.0.0"
    const server = yield* NodeHttpServer.make(bounded, {
      host,
      port,
      gracefulShutdownTimeout: closeWithin
    }).pipe(
      Effect.mapError(({ cause }) => new EdgeUnbound({ setting, host, port, code: codeOf(cause) }))
    )
    yield* server.serve(
      Effect.gen(function*() {
        const request = yield* HttpServerRequest.HttpServerRequest
        if (!isToken(token, request.headers["authorization"])) {
          return HttpServerResponse.text("the token of the pod is needed\n", { status: 401 })
        }
        if (request.method !== "POST" || request.url !== askPath) {
          return HttpServerResponse.text("pods ask here: no one else\n", { status: 404 })
        }
        const body = yield* request.arrayBuffer
        const reply = yield* answer(new Uint8Array(body))
        return HttpServerResponse.uint8Array(reply, { contentType: "application/json" })
      }).pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, bodyBytesMax),
        Effect.catchTag(
          "HttpServerError",
          () => Effect.succeed(HttpServerResponse.text("unreadable\n", { status: 400 }))
        )
      )
    )
  })

const setting = "POD_PORT" as const

const bounded = () => {
  const server = createServer()
  server.maxConnections = connectionsMax
  return server
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

/** Without telling by the time it takes how much of it is right. */
const isToken = (token: string, header: string | undefined): boolean => {
  const [shown, own] = [Buffer.from(header ?? ""), Buffer.from(`Bearer ${token}`)]
  return shown.length === own.length && timingSafeEqual(shown, own)
}
