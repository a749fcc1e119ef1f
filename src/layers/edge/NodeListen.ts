/**
 * Listening with a `node:http` server, and the end of that.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Server } from "node:http"
import type { Duplex } from "node:stream"
import { EdgeUnbound } from "../../services/EdgeAddress.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import type { Connection } from "./NodeServer.ts"

/** Where to listen; port 0 is any free one. `setting` chose the port, for the error. */
export interface Listening {
  readonly host: string
  readonly port: number
  readonly setting: EdgeUnbound["setting"]
}

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
  readonly server: Server
  readonly waiting: ReadonlyMap<Fiber.Fiber<unknown, unknown>, unknown>
  readonly connections: ReadonlyMap<Duplex, Connection>
  closing: boolean
}

/** No new connection; waiting requests end now, running ones within the limit. */
export const close = (front: Closable): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    front.closing = true
    front.server.close(() => resume(Effect.void))
    for (const fiber of front.waiting.keys()) fiber.interruptUnsafe()
    for (const [socket, { owed }] of front.connections) if (owed.length === 0) socket.destroy()
  }).pipe(
    Effect.timeoutOption(edgeLimits.closeMsMax),
    Effect.andThen(Effect.sync(() => front.server.closeAllConnections()))
  )

/** Ends what waits for those who may not stay. */
export const endUnwelcome = <A>(
  waiting: ReadonlyMap<Fiber.Fiber<unknown, unknown>, A>,
  mayStay: (who: A) => boolean
): void => {
  for (const [fiber, who] of waiting) if (!mayStay(who)) fiber.interruptUnsafe()
}
