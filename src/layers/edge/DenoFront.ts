/**
 * The front on `Deno.serve`: with its neighbours the only part of the edge that knows this server.
 *
 * Deno parses requests, keeps connections and takes pipelined requests one by one; what it does not
 * limit is limited here, or else named in the README.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { EdgeUnbound } from "../../services/EdgeAddress.ts"
import * as Deno from "../drivers/deno/Server.ts"
import { type Around, DenoExchange } from "./DenoExchange.ts"
import { excessOf } from "./DenoHead.ts"
import { PulledBodies } from "./DenoStreams.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { accept, endWaiting, type Front, makeFront, refuseUnread } from "./Front.ts"
import type { FrontOptions } from "./FrontOptions.ts"
import { Refusal } from "./Refusal.ts"

/** Listens until the scope closes; gives the bound port. Running requests may finish meanwhile. */
export const serve = (options: FrontOptions): Effect.Effect<number, EdgeUnbound, Scope.Scope> =>
  Effect.gen(function*() {
    const { app, metrics, patience } = options
    const front = makeFront(app, metrics, yield* Effect.context<never>())
    const limits = { ...edgeLimits, ...patience }
    const { requestTimeoutMs, slowCheckMs, unreadBytesMax, unreadMs } = limits
    const streams = new PulledBodies(unreadBytesMax)
    const around: Around = { front, readings: new Set(), streams, unreadMs }
    const handler: Deno.Handler = (request, info) =>
      new Promise((respond) => {
        const exchange = new DenoExchange(around, request, info, respond)
        const excess = excessOf(exchange.head)
        if (excess === undefined) return accept(front, exchange)
        exchange.isLast = true
        refuseUnread(front, exchange, excess, undefined)
      })
    metrics.observe({
      inFlight: () => front.open,
      connections: () => Number.NaN, // Deno does not tell.
      unreadBytes: () => streams.bytes,
      unreadCut: () => streams.cut
    })
    yield* Effect.forkScoped(Effect.repeat(
      Effect.sync(() => sweep(around, requestTimeoutMs)),
      Schedule.spaced(slowCheckMs)
    ))
    const { server } = yield* Effect.acquireRelease(
      listen(options, handler),
      ({ ender, server }) => close(front, server, ender)
    )
    return server.addr.port
  })

const listen = (
  { host, port, setting }: FrontOptions,
  handler: Deno.Handler
) =>
  Effect.try({
    try: () => {
      const ender = new AbortController()
      const onListen = () => {} // It would print a line of its own.
      const options = { hostname: host, port, signal: ender.signal, onListen }
      return { ender, server: Deno.serve(options, handler) }
    },
    catch: (cause) => new EdgeUnbound({ setting, host, port, code: codeOf(cause) })
  })

const codeOf = (cause: unknown): string =>
  cause instanceof Error ? "code" in cause ? String(cause.code) : cause.message : String(cause)

/** No new connection; waiting requests end now, running ones within the limit. */
const close = (front: Front, server: Deno.Server, ender: AbortController): Effect.Effect<void> =>
  Effect.suspend(() => {
    const state = { isOver: false }
    const over = server.shutdown().then(() => {
      state.isOver = true
    })
    endWaiting(front)
    return Effect.promise(() => over).pipe(
      Effect.timeoutOption(edgeLimits.closeMsMax),
      // A busy process hears of the end after the limit, and to end what is over is an error that
      // nobody could catch: so it is looked at again, after some turns of the loop.
      Effect.andThen(Effect.suspend(() => state.isOver ? Effect.void : lastTurns(state))),
      Effect.andThen(Effect.sync(() => state.isOver || ender.abort())),
      Effect.asVoid
    )
  })

/** Some turns of the event loop, in which everything that came is heard. */
const lastTurns = (state: { readonly isOver: boolean }): Effect.Effect<unknown> =>
  Effect.repeat(Effect.sleep("20 millis"), { times: 10, while: () => !state.isOver })

/** Ends what takes too long. */
const sweep = ({ readings, streams }: Around, limitMs: number): void => {
  const now = performance.now()
  for (const { startedAt, stop } of readings) {
    if (now - startedAt > limitMs) stop(Refusal.RequestTooSlow({ limitMs }))
  }
  streams.sweep(now)
}
