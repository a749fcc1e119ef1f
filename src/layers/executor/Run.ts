/**
 * A run: one delivery that the main thread hands to executor threads, until its outcome is known.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Failure } from "../../domain/Delivery.ts"
import {
  type HandlerCalls,
  HandlerFailed,
  HandlerNotBegun,
  type LoadedHandler
} from "../../services/Executor.ts"
import type { Delivery } from "../../services/MessageBus.ts"

/** Where a run is, once it was handed over. */
export interface Place {
  /** Takes it back, unless its handler began. */
  readonly takeBack: (run: Run) => boolean
  /** Tells its handler to let go; `letGo` is called when it has, or its thread is gone. */
  readonly cancel: (run: Run, now: number, letGo: () => void) => void
}

type Resume = (effect: Effect.Effect<void, HandlerFailed | HandlerNotBegun>) => void

/** One run. Mutable on purpose: written for every message. */
export class Run {
  readonly handler: LoadedHandler
  readonly delivery: Delivery
  readonly calls: HandlerCalls
  /** Of the fibre that waits for it: what the handler publishes carries the message's context. */
  readonly context: Context.Context<never>
  private readonly resume: Resume
  private letGo: (() => void) | undefined = undefined
  place: Place | undefined = undefined
  /** Its slot in a thread, and its number there. */
  slot = -1
  hand = 0
  /** Since when it waits for its turn, in a thread or for one (Unix milliseconds). */
  waitsSince = 0
  hasBegun = false
  /** When it was told to let go, and how often the thread's heart had beaten then. */
  cancelledAt = Number.POSITIVE_INFINITY
  heartThen = 0

  constructor(
    handler: LoadedHandler,
    delivery: Delivery,
    calls: HandlerCalls,
    context: Context.Context<never>,
    resume: Resume
  ) {
    this.handler = handler
    this.delivery = delivery
    this.calls = calls
    this.context = context
    this.resume = resume
  }

  /** What it is known by from attempt to attempt. */
  get key(): string {
    return `${this.delivery.subscription} ${this.delivery.message.id}`
  }

  /** Whether it was told to let go. */
  get isCancelled(): boolean {
    return this.letGo !== undefined
  }

  /** It waits for a thread: its time limit does not run. */
  waits(now: number): void {
    this.waitsSince = now
    this.hasBegun = false
    this.delivery.holdLimit?.(true)
  }

  /** Its handler began: now its time limit runs. */
  begins(): void {
    this.hasBegun = true
    this.delivery.holdLimit?.(false)
  }

  /** Whoever waits for it was interrupted, and waits now until it let go. */
  cancel(now: number, heart: number, letGo: () => void): void {
    this.cancelledAt = now
    this.heartThen = heart
    this.letGo = letGo
  }

  /** Its handler succeeded. */
  succeed(): void {
    this.settle(Effect.void)
  }

  /** Its handler failed. */
  fail(failure: Failure): void {
    this.settle(Effect.fail(new HandlerFailed(failure)))
  }

  /** Its handler did not begin, and is not going to. */
  giveUp(): void {
    this.settle(notBegun)
  }

  private settle(outcome: Effect.Effect<void, HandlerFailed | HandlerNotBegun>): void {
    if (this.letGo === undefined) this.resume(outcome)
    else this.letGo()
  }
}

const notBegun = Effect.fail(new HandlerNotBegun())
