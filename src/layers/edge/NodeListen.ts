/**
 * Listening with a `node:http` server, and the end of that.
 */
import * as Effect from "effect/Effect"
import type { Server } from "node:http"
import type { Duplex } from "node:stream"
import { EdgeUnbound } from "../../services/EdgeAddress.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { endWaiting, type Front } from "./Front.ts"
import type { Listening } from "./FrontOptions.ts"
import type { Connection } from "./NodeServer.ts"

/** Listens, and gives the bound port. */
export const listen = (
  server: Server,
  { host, port, setting }: Listening
): Effect.Effect<number, EdgeUnbound> =>
  Effect.callback((resume) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message
      resume(Effect.fail(new EdgeUnbound({ setting, host, port, code })))
    }
    server.once("error", failed)
    server.listen(port, host, () => {
      server.off("error", failed)
      const address = server.address()
      const bound = typeof address === "object" && address !== null ? address.port : port
      resume(Effect.succeed(bound))
    })
  })

/** What has to end with a server. */
export interface Closable {
  readonly front: Front
  readonly server: Server
  readonly connections: ReadonlyMap<Duplex, Connection>
}

/** No new connection; waiting requests end now, running ones within the limit. */
export const close = ({ connections, front, server }: Closable): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    endWaiting(front)
    for (const [socket, { owed, running }] of connections) {
      if (owed.length === 0 && running === 0) socket.destroy()
    }
  }).pipe(
    Effect.timeoutOption(edgeLimits.closeMsMax),
    Effect.andThen(Effect.sync(() => {
      for (const socket of connections.keys()) socket.destroy()
    }))
  )
