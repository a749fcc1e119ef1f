/**
 * What the main thread and an executor thread say to each other beside their control calls: at most
 * one message a tick in each direction.
 */
import type { MessagePort } from "node:worker_threads"
import type { Message } from "../../domain/Message.ts"
import type { AgentModule, LoadedHandler, LoadOptions } from "../../services/Executor.ts"

/** A module under the number by which both sides know it. */
export interface NumberedModule {
  readonly number: number
  readonly module: AgentModule
  readonly options: LoadOptions
}

/** What a thread is started with. */
export interface ThreadStart {
  readonly port: MessagePort
  readonly memory: SharedArrayBuffer
  readonly modules: ReadonlyArray<NumberedModule>
}

/** Handlers of one module are numbered from here. */
export const handlerIdsFrom = (moduleNumber: number): number => moduleNumber * handlersPerModule

const handlersPerModule = 1_000

/** The module of a handler. */
export const moduleNumberOf = (handlerId: number): number =>
  Math.floor(handlerId / handlersPerModule)

/** The fields of a message but its payload, in this order; `null` for what it lacks. */
export const messageFields = [
  "id",
  "topic",
  "priority",
  "key",
  "idempotencyKey",
  "headers",
  "contentType",
  "traceparent",
  "publishedAt",
  "deliverAt",
  "expiresAt",
  "context",
  "replayOf"
] as const satisfies ReadonlyArray<keyof Message>

/** The head of a delivery in a frame: slot, number, handler, attempt, subscription, the message. */
export type Head = readonly [
  slot: number,
  hand: number,
  handler: number,
  attempt: number,
  subscription: string,
  ...message: ReadonlyArray<unknown>
]

/** An answer to a call of a handler; `text` is the JSON of the value or of the error's fields. */
export interface Answer {
  readonly call: number
  readonly isOk: boolean
  readonly text: string
}

/** To an executor thread. */
export interface ToThread {
  /** New deliveries. */
  readonly frame: string | undefined
  /** Slots whose handler has to let go. */
  readonly cancelled: ReadonlyArray<number>
  readonly answers: ReadonlyArray<Answer>
  /** Control calls come: serve them from now on. */
  readonly isControlled: boolean
}

/**
 * A handler asks something of the bus. `payload` and `options` are JSON, absent when there are
 * none; for sessions `topic` is the name.
 */
export interface Call {
  readonly call: number
  readonly kind: "publish" | "reply" | "getSession" | "setSession" | "deleteSession"
  readonly slot: number
  readonly hand: number
  readonly handler: number
  readonly topic: string
  readonly payload: string | undefined
  readonly options: string | undefined
}

/** A failed attempt. */
export interface Failed {
  readonly slot: number
  readonly tag: string | undefined
  readonly error: string
  readonly isPermanent: boolean
}

/** What became of the modules that a thread started with: their handlers, or why there are none. */
export type Started =
  | { readonly isOk: true; readonly handlers: ReadonlyArray<ReadonlyArray<LoadedHandler>> }
  | { readonly isOk: false; readonly agent: string; readonly reason: string }

/** From an executor thread. */
export type FromThread =
  | { readonly kind: "started"; readonly started: Started }
  | { readonly kind: "complaint"; readonly text: string }
  | {
    readonly kind: "outcomes"
    readonly done: ReadonlyArray<number>
    /** Slots of deliveries that were taken back. */
    readonly skipped: ReadonlyArray<number>
    readonly failed: ReadonlyArray<Failed>
    readonly calls: ReadonlyArray<Call>
  }
