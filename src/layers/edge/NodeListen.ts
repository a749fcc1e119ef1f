/**
 * Listening with a `node:http` server.
 */
import * as Effect from "effect/Effect"
import type { Server } from "node:http"
import { EdgeUnbound } from "../../services/EdgeAddress.ts"

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
