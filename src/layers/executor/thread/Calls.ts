/**
 * Calls of handlers to the bus, from an executor thread: promises for answers of the main thread.
 */
import type { SessionValue } from "../../../services/SessionValues.ts"
import type { AgentCalls } from "../AgentView.ts"
import { messageOf } from "../Failures.ts"
import type { Answer, Call } from "../Protocol.ts"

/**
 * Calls that may wait for their answers; more wait here, in order. Source: a thread's share of what
 * the bus takes at once, so that one handler cannot fill the memory of the main thread.
 */
export const callsMax = 1_000

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** The delivery that a call comes from. */
export type Caller = Pick<Call, "slot" | "hand" | "handler">

/** The calls of one thread. Mutable on purpose: written for every call. */
export class Calls {
  private readonly send: (call: Call) => void
  private readonly waiting = new Map<number, Waiting>()
  private readonly later: Array<Call> = []
  private next = 1

  constructor(send: (call: Call) => void) {
    this.send = send
  }

  /** How many have no answer yet. */
  get size(): number {
    return this.waiting.size
  }

  /** What a handler is given to call. */
  of(caller: Caller): AgentCalls {
    return {
      publish: (topic, payload, options) =>
        this.call({ ...caller, kind: "publish", topic }, payload, options),
      reply: (value) => this.call({ ...caller, kind: "reply", topic: "" }, value, undefined),
      sessions: {
        get: (name) =>
          this.call<SessionValue | null>({ ...caller, kind: "getSession", topic: nameOf(name) })
            .then((found) => found ?? undefined),
        set: (name, value, options) =>
          this.call({ ...caller, kind: "setSession", topic: nameOf(name) }, value, options),
        delete: (name, version) =>
          this.call({ ...caller, kind: "deleteSession", topic: nameOf(name) }, version)
      }
    }
  }

  /** Settles a call. */
  answer({ call, isOk, text }: Answer): void {
    const waiting = this.waiting.get(call)
    this.waiting.delete(call)
    if (isOk) waiting?.resolve(JSON.parse(text) as never) // As the main thread wrote it.
    else waiting?.reject(errorOf(JSON.parse(text)))
    const later = this.later.shift()
    if (later !== undefined) this.send(later)
  }

  private call<A>(
    what: Omit<Call, "call" | "payload" | "options">,
    payload?: unknown,
    options?: unknown
  ): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      const call: Call = {
        ...what,
        call: this.next++,
        payload: textOf(what.kind, "payload", payload),
        options: options === undefined
          ? undefined
          : textOf(what.kind, "options", options, nullsFor(options))
      }
      this.waiting.set(call.call, { resolve, reject })
      if (this.waiting.size > callsMax) this.later.push(call)
      else this.send(call)
    })
  }
}

/** What is no text is no name, and nothing that a thread may send. */
const nameOf = (name: unknown): string => typeof name === "string" ? name : ""

/** The JSON of a value, `undefined` when it has none; throws what a publish would be refused by. */
const textOf = (
  kind: Call["kind"],
  field: string,
  value: unknown,
  replacer?: (this: unknown, key: string, value: unknown) => unknown
): string | undefined => {
  try { // The code of a stranger: `toJSON` may throw, and circles have no JSON.
    return JSON.stringify(value, replacer)
  } catch (error) {
    const reason = `it cannot be written as JSON: ${messageOf(error)}`
    throw errorOf(
      kind === "setSession"
        ? { _tag: "SessionInvalid", field: field === "payload" ? "value" : "ttlMs", reason }
        : { _tag: "MessageInvalid", field, reason }
    )
  }
}

/** Keeps what JSON leaves out below the options themselves, so that it is refused as elsewhere. */
const nullsFor = (options: unknown) =>
  function(this: unknown, _key: string, value: unknown): unknown {
    return value === undefined && this !== options ? null : value
  }

/** An error with the fields that it had elsewhere. */
const errorOf = (fields: Readonly<Record<string, unknown>>): Error => {
  const { _tag, message } = fields
  const error = new Error(typeof message === "string" ? message : String(_tag))
  if (typeof _tag === "string") error.name = _tag
  return Object.assign(error, fields)
}
