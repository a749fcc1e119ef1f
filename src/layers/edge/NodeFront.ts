/**
 * The front on `node:http`: with its neighbours the only part of the edge that knows this server.
 *
 * `node:http` itself and no framework's router: measured, one costs 50 us more for every request.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { EdgeUnbound } from "../../services/EdgeAddress.ts"
import { refuse } from "./Answer.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { accept, makeFront, refuseUnread } from "./Front.ts"
import type { FrontOptions } from "./FrontOptions.ts"
import { openDoor } from "./NodeDoor.ts"
import { NodeExchange } from "./NodeExchange.ts"
import { close, listen } from "./NodeListen.ts"
import { sendUnread } from "./NodeReply.ts"
import { excessOf, makeServer, watchConnections } from "./NodeServer.ts"
import { UnreadReplies } from "./NodeUnread.ts"
import { Refusal } from "./Refusal.ts"

/** Listens until the scope closes; gives the bound port. Running requests may finish meanwhile. */
export const serve = (options: FrontOptions): Effect.Effect<number, EdgeUnbound, Scope.Scope> =>
  Effect.gen(function*() {
    const { app, metrics, patience } = options
    const front = makeFront(app, metrics, yield* Effect.context<never>())
    const limits = { ...edgeLimits, ...patience }
    const server = makeServer(limits)
    const [toHttp] = server.listeners("connection")
    server.removeAllListeners("connection")
    const connections = watchConnections(server, metrics)
    const handOver = (socket: Socket) => toHttp && Reflect.apply(toHttp, server, [socket])
    const door = { front, patience: limits, handOver, refused: metrics.connectionsRefused }
    server.on("connection", (socket) => {
      const connection = connections.get(socket)
      const { publish } = app
      if (publish === undefined || connection === undefined) handOver(socket)
      else openDoor({ ...door, publish }, socket, connection)
    })
    const unread = new UnreadReplies(limits.unreadBytesMax, limits.unreadMs)
    attach(server, (request, response, expects) => {
      const connection = connections.get(request.socket) ?? { owed: [], running: 0 }
      const exchange = new NodeExchange(
        { front, unread, connection, expects },
        request,
        response
      )
      const excess = excessOf(connection, request)
      if (excess === undefined) accept(front, exchange)
      else refuseUnread(front, exchange, excess, undefined)
    })
    metrics.observe({
      inFlight: () => front.open,
      connections: () => connections.size,
      unreadBytes: () => unread.bytes,
      unreadCut: () => unread.cut
    })
    return yield* Effect.acquireRelease(
      listen(server, options),
      () => close({ front, server, connections })
    )
  })

const attach = (
  server: Server,
  take: (request: IncomingMessage, response: ServerResponse, expects: boolean) => void
): void => {
  server.on("request", (request, response) => take(request, response, false))
  server.on("checkContinue", (request, response) => take(request, response, true))
  server.on("checkExpectation", (request, response) => {
    const expectation = request.headers.expect ?? ""
    sendUnread(request, response, refuse(Refusal.ExpectationRefused({ expectation })))
  })
}
