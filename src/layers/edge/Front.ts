/**
 * The front: how a request becomes its reply, whatever server it came through.
 *
 * A server offers each request as an `Exchange` and knows nothing of routes; the front knows
 * nothing of sockets. What is hot here runs for every request.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { HttpMetrics } from "../observe/HttpMetrics.ts"
import { admit, type Admitted, admitTo, type App, handle } from "./Admission.ts"
import { refuse, replyOf } from "./Answer.ts"
import type { Answerable } from "./Answerable.ts"
import type { BodyBudget } from "./BodyBudget.ts"
import { anybody, type TurnedAway } from "./Door.ts"
import type { Gated } from "./RateGate.ts"
import type { Refusal } from "./Refusal.ts"
import type { Matched } from "./Router.ts"
import type { Caller, Head, Reply, Request, Route, Sink } from "./Web.ts"

/** One request on its way to its reply, as its server offers it. */
export interface Exchange {
  readonly head: Head
  /** Milliseconds of `performance.now()`; serves a metric only. */
  readonly startedAt: number
  /** Headers of its reply, whatever that will be. */
  more: Reply["headers"]
  /**
   * Calls `done` once, with the bytes, or with a refusal as soon as there are more than `bytesMax`
   * or than the budget allows. A client that goes away gets no call.
   */
  readonly read: (
    bytesMax: number,
    budget: BodyBudget,
    done: (body: Uint8Array | Refusal) => void
  ) => void
  /** Sends the head of a stream of status 200. */
  readonly begin: (contentType: string, headers: Reply["headers"]) => Sink
  readonly hasBegun: () => boolean
  /** Ends a stream that has begun; `close` ends its connection too. */
  readonly end: (close: boolean) => void
  /** Sends a reply; `close` ends the connection after it. */
  readonly send: (reply: Reply, close: boolean) => void
  /** Sends a reply to a request whose body nobody wants. */
  readonly sendUnread: (reply: Reply) => void
  /** Tells when the client is gone, or has its reply. */
  readonly onClose: (listener: () => void) => void
}

type Running = Fiber.Fiber<unknown, unknown>

/** What all requests of a server share. Mutable: touched for every request. */
export interface Front {
  readonly app: App
  readonly metrics: HttpMetrics
  readonly context: Context.Context<never>
  /** Fibers that may wait for long, and for whom. */
  readonly waiting: Map<Running, Caller>
  readonly budget: BodyBudget
  /** Requests that are not answered yet. */
  open: number
  closing: boolean
}

/** A front without any request yet. */
export const makeFront = (
  app: App,
  metrics: HttpMetrics,
  context: Context.Context<never>
): Front => {
  const waiting = new Map<Running, Caller>()
  app.door.onChange(() => {
    for (const [fiber, who] of waiting) if (!app.door.mayStay(who)) fiber.interruptUnsafe()
  })
  return { app, metrics, context, waiting, budget: { bytes: 0 }, open: 0, closing: false }
}

/** Requests that wait end now; their replies and those that follow close their connections. */
export const endWaiting = (front: Front): void => {
  front.closing = true
  for (const fiber of front.waiting.keys()) fiber.interruptUnsafe()
}

/** Takes a request, of which nothing but the head was read. */
export const accept = (front: Front, exchange: Exchange): void =>
  proceed(front, exchange, admit(front.app, exchange.head))

/** As `accept`, where the route is known. */
export const acceptMatched = (front: Front, exchange: Exchange, matched: Matched): void =>
  proceed(front, exchange, admitTo(front.app, exchange.head, matched))

const proceed = (
  front: Front,
  exchange: Exchange,
  admitted: Result.Result<Admitted, TurnedAway>
): void => {
  if (Result.isFailure(admitted)) return turnAway(front, exchange, admitted.failure)
  const { caller, route } = admitted.success
  const gated = front.app.rates(route, exchange.head, caller)
  if (gated === undefined) receive(front, exchange, admitted.success)
  else if (Effect.isEffect(gated)) {
    Effect.runForkWith(front.context)(gated).addObserver((exit) => {
      if (Exit.isSuccess(exit)) pass(front, exchange, admitted.success, exit.value)
      else answer(front, exchange, route, Exit.failCause(exit.cause))
    })
  } else pass(front, exchange, admitted.success, gated)
}

/** Lets a counted request in, or not. */
const pass = (front: Front, exchange: Exchange, matched: Admitted, gated: Gated): void => {
  exchange.more = gated.headers
  if (gated.refusal === undefined) receive(front, exchange, matched)
  else refuseUnread(front, exchange, gated.refusal, matched.route)
}

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
const receive = (front: Front, exchange: Exchange, matched: Admitted): void => {
  const { body } = matched.route
  if (body === undefined) return run(front, exchange, matched, noBody)
  exchange.read(body.bytesMax, front.budget, (read) =>
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
      return exchange.begin(contentType, { ...headers, ...exchange.more })
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
  if (exchange.hasBegun()) return exchange.end(front.closing)
  count(front, exchange, route, reply.status)
  exchange.send(reply, front.closing)
}

/** Interrupts the fiber when nobody waits for its reply any more, or whoever does may not. */
const endWithClient = (
  front: Front,
  exchange: Exchange,
  fiber: Running,
  caller: Caller
): void => {
  front.waiting.set(fiber, caller)
  exchange.onClose(() => fiber.interruptUnsafe())
  fiber.addObserver(() => front.waiting.delete(fiber))
}

/** Refuses a request whose body was not read to its end; `route` is for the metrics. */
export const refuseUnread = (
  front: Front,
  exchange: Exchange,
  refusal: Refusal,
  route: Route | undefined
): void => {
  const reply = refuse(refusal)
  count(front, exchange, route, reply.status)
  exchange.sendUnread(reply)
}

const count = ({ metrics }: Front, exchange: Exchange, route: Route | undefined, status: number) =>
  metrics.finished(
    exchange.head.method,
    route?.pattern,
    status,
    (performance.now() - exchange.startedAt) / 1_000
  )
