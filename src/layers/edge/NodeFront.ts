/**
 * The front on `node:http`: with its neighbours the only part of the edge that knows this server.
 *
 * `node:http` itself and no framework's router: measured, one costs 50 us more for every request.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import type { EdgeUnbound } from "../../services/EdgeAddress.ts"
import type { HttpMetrics } from "../observe/HttpMetrics.ts"
import { admit, type Admitted, type App, handle } from "./Admission.ts"
import { refuse, replyOf } from "./Answer.ts"
import type { Answerable } from "./Answerable.ts"
import { anybody, type TurnedAway } from "./Door.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { type BodyBudget, readBody } from "./NodeBody.ts"
import { headOf } from "./NodeHead.ts"
import { close, endUnwelcome, listen, type Listening } from "./NodeListen.ts"
import { send, sendUnread } from "./NodeReply.ts"
import {
  type Connection,
  excessOf,
  makeServer,
  type Patience,
  watchConnections
} from "./NodeServer.ts"
import { beginStream, endStream } from "./NodeStream.ts"
import { UnreadReplies } from "./NodeUnread.ts"
import { Refusal } from "./Refusal.ts"
import type { Caller, Head, Reply, Request, Route } from "./Web.ts"

/** What a front serves and where. */
export interface FrontOptions extends Listening {
  readonly app: App
  readonly metrics: HttpMetrics
  /** For tests that cannot wait as long as real clients may. */
  readonly patience?: Partial<Patience> | undefined
}

/** Listens until the scope closes; gives the bound port. Running requests may finish meanwhile. */
export const serve = (options: FrontOptions): Effect.Effect<number, EdgeUnbound, Scope.Scope> =>
  Effect.gen(function*() {
    const front = makeFront(options, yield* Effect.context<never>())
    return yield* Effect.acquireRelease(listen(front.server, options), () => close(front))
  })

type Running = Fiber.Fiber<unknown, unknown>

/** A running server. Mutable: touched for every request. */
interface Front {
  readonly app: App
  readonly metrics: HttpMetrics
  readonly context: Context.Context<never>
  readonly server: Server
  /** Fibers that may wait for long, and for whom. */
  readonly waiting: Map<Running, Caller>
  readonly connections: ReadonlyMap<Duplex, Connection>
  readonly unread: UnreadReplies
  /** Requests that are not answered yet. */
  open: number
  readonly budget: BodyBudget
  closing: boolean
}

/** One request on its way to its reply. `startedAt` is milliseconds and serves a metric only. */
interface Exchange {
  readonly connection: Connection
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly head: Head
  readonly startedAt: number
  /** Headers of its reply, whatever that will be. */
  more: Reply["headers"]
}

const makeFront = (
  { app, metrics, patience }: FrontOptions,
  context: Context.Context<never>
): Front => {
  const limits = { ...edgeLimits, ...patience }
  const server = makeServer(limits)
  const front: Front = {
    app,
    metrics,
    context,
    server,
    waiting: new Map(),
    connections: watchConnections(server, metrics),
    unread: new UnreadReplies(limits.unreadBytesMax, limits.unreadMs),
    open: 0,
    budget: { bytes: 0 },
    closing: false
  }
  attach(front)
  app.door.onChange(() => endUnwelcome(front.waiting, app.door.mayStay))
  metrics.observe({
    inFlight: () => front.open,
    connections: () => front.connections.size,
    unreadBytes: () => front.unread.bytes,
    unreadCut: () => front.unread.cut
  })
  return front
}

const attach = (front: Front): void => {
  const { server } = front
  server.on("request", (request, response) => accept(front, request, response, false))
  server.on("checkContinue", (request, response) => accept(front, request, response, true))
  server.on("checkExpectation", (request, response) => {
    const expectation = request.headers.expect ?? ""
    sendUnread(request, response, refuse(Refusal.ExpectationRefused({ expectation })))
  })
}

const accept = (
  front: Front,
  request: IncomingMessage,
  response: ServerResponse,
  expects: boolean
): void => {
  const connection = front.connections.get(request.socket) ?? { owed: [], running: 0 }
  const exchange = {
    connection,
    request,
    response,
    head: headOf(request),
    startedAt: performance.now(),
    more: noMore
  }
  const { owed } = connection
  owed.push(response)
  connection.running++
  front.open++
  response.once("close", () => {
    owed.splice(owed.indexOf(response), 1)
    front.open--
  })
  const excess = excessOf(connection, request)
  if (excess !== undefined) return refuseUnread(front, exchange, excess, undefined)
  const admitted = admit(front.app, exchange.head)
  if (Result.isFailure(admitted)) return turnAway(front, exchange, admitted.failure)
  const { caller, route } = admitted.success
  const gate = front.app.rates(route, exchange.head, caller)
  if (gate === undefined) return receive(front, exchange, admitted.success, expects)
  Effect.runForkWith(front.context)(gate).addObserver((exit) => {
    if (Exit.isFailure(exit)) {
      return answer(front, exchange, route, Exit.failCause(exit.cause))
    }
    exchange.more = exit.value.headers
    if (exit.value.refusal === undefined) receive(front, exchange, admitted.success, expects)
    else refuseUnread(front, exchange, exit.value.refusal, route)
  })
}

const noMore = {}

/** A delayed answer ends early with its client, and comes at once when the server closes. */
const turnAway = (front: Front, exchange: Exchange, { delayMs, done, refusal }: TurnedAway) => {
  if (delayMs === 0) return refuseUnread(front, exchange, refusal, undefined)
  const fiber = Effect.runForkWith(front.context)(Effect.sleep(delayMs))
  endWithClient(front, exchange, fiber, anybody)
  fiber.addObserver(() => {
    done()
    refuseUnread(front, exchange, refusal, undefined)
  })
}

/** Reads the body, if one is due, and runs the route. */
const receive = (front: Front, exchange: Exchange, matched: Admitted, expects: boolean): void => {
  const { body } = matched.route
  if (body === undefined) return run(front, exchange, matched, noBody)
  if (expects) exchange.response.writeContinue()
  readBody(exchange.request, body.bytesMax, front.budget, (read) =>
    read instanceof Uint8Array
      ? run(front, exchange, matched, read)
      : refuseUnread(front, exchange, read, matched.route))
}

const noBody = new Uint8Array()

const run = (front: Front, exchange: Exchange, matched: Admitted, body: Uint8Array): void => {
  const { route } = matched
  const begin: Request["begin"] = (contentType, headers) =>
    Effect.sync(() => {
      count(front, exchange, route, 200)
      return beginStream(exchange.response, contentType, { ...headers, ...exchange.more })
    })
  const fiber = Effect.runForkWith(front.context)(handle(matched, exchange.head, body, begin))
  if (route.waits) endWithClient(front, exchange, fiber, matched.caller)
  fiber.addObserver((exit) => answer(front, exchange, route, exit))
}

const answer = (
  front: Front,
  exchange: Exchange,
  route: Route,
  exit: Exit.Exit<Reply, Answerable>
): void => {
  const [reply, defect] = replyOf(exit)
  if (Option.isSome(defect)) {
    const where = `defect in ${route.method} ${route.pattern}`
    Effect.runForkWith(front.context)(Effect.logError(where, defect.value))
  }
  exchange.connection.running--
  if (exchange.response.headersSent) return endStream(exchange.response, front.closing)
  count(front, exchange, route, reply.status)
  const bytes = send(exchange.response, reply, front.closing, exchange.more)
  front.unread.watch(exchange.response, bytes)
}

/** Interrupts the fiber when nobody waits for its reply any more, or whoever does may not. */
const endWithClient = (
  front: Front,
  { response }: Exchange,
  fiber: Running,
  caller: Caller
): void => {
  front.waiting.set(fiber, caller)
  response.once("close", () => fiber.interruptUnsafe())
  fiber.addObserver(() => front.waiting.delete(fiber))
}

const refuseUnread = (
  front: Front,
  exchange: Exchange,
  refusal: Refusal,
  route: Route | undefined
): void => {
  const reply = refuse(refusal)
  exchange.connection.running--
  count(front, exchange, route, reply.status)
  sendUnread(exchange.request, exchange.response, reply, exchange.more)
}

const count = ({ metrics }: Front, exchange: Exchange, route: Route | undefined, status: number) =>
  metrics.finished(
    exchange.head.method,
    route?.pattern,
    status,
    (performance.now() - exchange.startedAt) / 1_000
  )
