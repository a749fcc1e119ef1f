/**
 * A proxy before a server, for what a network may do: it delays what some connections bring, and
 * changes what the server says.
 */
import { Effect, type Scope } from "effect"
import { connect, createServer, type Socket } from "node:net"

/** What happens to a connection. */
export interface Passage {
  /** Everything takes so much longer from the server to the client, in milliseconds. */
  readonly delayMs?: number
  /** Changes what the server says. */
  readonly change?: (said: Buffer) => Buffer
}

/** Where it listens, and how many connections it has taken. */
export interface Proxy {
  readonly port: number
  readonly taken: () => number
}

/** A proxy before a port of the loopback; `passage` is asked for each connection, by its number. */
export const proxy = (
  port: number,
  passage: (connection: number) => Passage
): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Proxy & { readonly close: () => void }>((resume) => {
      const sockets = new Set<Socket>()
      let taken = 0
      const server = createServer((client) => {
        const { change = (said: Buffer) => said, delayMs = 0 } = passage(taken++)
        const upstream = connect(port, "127.0.0.1")
        for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
          sockets.add(from)
          from.on("error", () => to.destroy())
          from.on("close", () => {
            sockets.delete(from)
            to.destroy()
          })
        }
        client.pipe(upstream)
        upstream.on("data", (said: Buffer) => {
          const changed = change(said)
          if (delayMs === 0) client.write(changed)
          else setTimeout(() => client.writable && client.write(changed), delayMs)
        })
      })
      const close = (): void => {
        server.close()
        sockets.forEach((socket) => socket.destroy())
      }
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const listening = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ port: listening, taken: () => taken, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )
