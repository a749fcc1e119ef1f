/**
 * The `node:http` server with its limits, and what one connection may have under way.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import type { HttpMetrics } from "../observe/HttpMetrics.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import type { Patience } from "./FrontOptions.ts"
import { refuseConnection, refuseTunnel } from "./NodeReply.ts"
import { Refusal } from "./Refusal.ts"

/** A server that bears as much. */
export const makeServer = (limits: Patience): Server => {
  const server = createServer({
    headersTimeout: limits.headTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: edgeLimits.keepAliveMs,
    maxHeaderSize: edgeLimits.headBytesMax,
    connectionsCheckingInterval: limits.slowCheckMs,
    requireHostHeader: false // The guard refuses it, with a problem document.
  })
  server.maxConnections = edgeLimits.connectionsMax
  server.maxHeadersCount = 0 // None is dropped unseen; their bytes are limited.
  return server
}

/**
 * The connections of a server, from now on.
 *
 * With the responses that each owes in an array. Measured: one `Set` of all responses held every
 * request until the next full collection, for V8 chains a table to the one it outgrew; scavenges
 * took 20 ms instead of 1, and with them the slowest requests.
 */
export const watchConnections = (
  server: Server,
  metrics: HttpMetrics
): ReadonlyMap<Duplex, Connection> => {
  const connections = new Map<Duplex, Connection>()
  server.on("clientError", (error, socket) => {
    // A whole request of the connection may wait for its reply, which this must not look like.
    const owed = connections.get(socket)?.owed.some(({ req }) => req.complete) ?? false
    if (owed) socket.destroy()
    else refuseConnection(error, socket)
    metrics.connectionsRefused()
  })
  server.on("connect", (_, socket) => {
    refuseTunnel(socket)
    metrics.connectionsRefused()
  })
  server.on("drop", () => metrics.connectionsRefused())
  server.on("connection", (socket) => {
    connections.set(socket, { owed: [], running: 0 })
    socket.on("close", () => {
      // Replies that waited behind others never had the socket, and so do not hear of its end.
      const owed = connections.get(socket)?.owed.slice() ?? []
      for (const response of owed) if (response.socket === null) response.emit("close")
      connections.delete(socket)
    })
  })
  return connections
}

/** A connection: the responses it owes, and how many of its requests are worked on. */
export interface Connection {
  readonly owed: Array<ServerResponse>
  running: number
}

/** More than a connection or a head may have; the parser limits the bytes of a head. */
export const excessOf = (
  connection: Connection,
  request: IncomingMessage
): Refusal | undefined =>
  connection.running > edgeLimits.pipelinedMax
    ? Refusal.PipelineFull({ limit: edgeLimits.pipelinedMax })
    : request.rawHeaders.length > edgeLimits.headersMax * 2
    ? Refusal.HeadersExceeded({ limit: edgeLimits.headersMax })
    : undefined
