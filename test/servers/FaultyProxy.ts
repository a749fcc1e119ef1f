/**
 * A proxy before a server, for what a network does to all connections: nothing, or one of the
 * faults, until told otherwise.
 */
import { Effect, type Scope } from "effect"
import { connect, createServer, type Server, type Socket } from "node:net"

/**
 * `passes`: nothing happens. `refuses`: nobody listens, and what was connected is cut. `stalls`:
 * nothing gets through, in silence. `resets`: connections are reset, again and again. `slows`:
 * everything comes later than it was sent.
 */
export type Fault = "passes" | "refuses" | "stalls" | "resets" | "slows"

/** How much later, and how often connections are reset, in milliseconds. */
const slowMs = 300
const resetEveryMs = 150

/** The proxy. */
export interface FaultyProxy {
  readonly port: number
  readonly become: (fault: Fault) => Effect.Effect<void>
}

/** A proxy on a free port of the loopback, which passes at first. */
export const faultyProxy = (
  port: number
): Effect.Effect<FaultyProxy, never, Scope.Scope> =>
  Effect.gen(function*() {
    const made = new Proxy(port)
    yield* Effect.addFinalizer(() => Effect.sync(() => made.close()))
    const own = yield* Effect.promise(() => made.listen(0))
    return { port: own, become: (fault) => Effect.promise(() => made.become(fault, own)) }
  })

/** One direction of a connection. Pieces stay in order, whatever changes while they wait. */
class Way {
  private readonly to: Socket
  private readonly pieces: Array<{ readonly piece: Buffer; readonly due: number }> = []
  private timer: NodeJS.Timeout | undefined = undefined

  constructor(to: Socket) {
    this.to = to
  }

  take(piece: Buffer, delayMs: number): void {
    this.pieces.push({ piece, due: performance.now() + delayMs })
    this.pass()
  }

  private readonly pass = (): void => {
    clearTimeout(this.timer)
    const [first] = this.pieces
    if (first === undefined) return
    const left = first.due - performance.now()
    if (left > 0) {
      this.timer = setTimeout(this.pass, left)
      return
    }
    this.pieces.shift()
    if (this.to.writable) this.to.write(first.piece)
    this.pass()
  }
}

class Proxy {
  private readonly target: number
  private readonly server: Server
  private readonly pairs = new Set<readonly [Socket, Socket]>()
  private fault: Fault = "passes"
  private timer: NodeJS.Timeout | undefined = undefined

  constructor(target: number) {
    this.target = target
    this.server = createServer((client) => this.take(client))
  }

  listen(port: number): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(port, "127.0.0.1", () => {
        const address = this.server.address()
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
  }

  async become(fault: Fault, port: number): Promise<void> {
    this.fault = fault
    clearInterval(this.timer)
    if (fault === "refuses") {
      this.server.close()
      this.cut("destroy")
    } else if (!this.server.listening) await this.listen(port)
    if (fault === "resets") {
      this.timer = setInterval(() => this.cut("resetAndDestroy"), resetEveryMs)
    }
    for (const pair of this.pairs) {
      for (const socket of pair) {
        if (fault === "stalls") socket.pause()
        else socket.resume()
      }
    }
  }

  close(): void {
    clearInterval(this.timer)
    this.server.close()
    this.cut("destroy")
  }

  private cut(how: "destroy" | "resetAndDestroy"): void {
    for (const pair of [...this.pairs]) pair.forEach((socket) => socket[how]())
  }

  private take(client: Socket): void {
    const upstream = connect(this.target, "127.0.0.1")
    const pair = [client, upstream] as const
    this.pairs.add(pair)
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      from.setNoDelay(true)
      from.on("error", () => to.destroy())
      from.on("close", () => {
        this.pairs.delete(pair)
        to.destroy()
      })
      const way = new Way(to)
      from.on("data", (piece: Buffer) => way.take(piece, this.fault === "slows" ? slowMs : 0))
      if (this.fault === "stalls") from.pause()
    }
  }
}
