/**
 * The inbox of an executor thread: runs what the main thread hands over, tells what came of it.
 */
import * as Effect from "effect/Effect"
import type { Failure } from "../../../domain/Delivery.ts"
import * as Frame from "../../../domain/Frame.ts"
import type { LoadedHandler } from "../../../services/Executor.ts"
import { AgentView, type Handed } from "../AgentView.ts"
import { Invocation } from "../Invocation.ts"
import { load, type Ready, type Unloadable } from "../Loading.ts"
import {
  type Call,
  type Failed,
  type FromThread,
  handlerIdsFrom,
  type Head,
  messageFields,
  moduleNumberOf,
  type NumberedModule,
  type ThreadStart,
  type ToThread
} from "../Protocol.ts"
import { Slots } from "../Slots.ts"
import { Calls } from "./Calls.ts"

/** How often a thread in which something runs shows that its loop turns. */
export const beatMs = 50

/** One thread's inbox. Mutable on purpose: written for every message. */
export class Inbox {
  private readonly port: ThreadStart["port"]
  private readonly slots: Slots
  private readonly handlers = new Map<number, Ready>()
  private readonly invocations = new Map<number, Invocation>()
  private readonly calls = new Calls((call) => this.say().calls.push(call))
  private out: Outcomes | undefined = undefined
  private beating: ReturnType<typeof setInterval> | undefined = undefined
  private readonly idle: Array<() => void> = []
  private readonly serve: () => void

  constructor({ memory, port }: ThreadStart, serve: () => void) {
    this.port = port
    this.serve = serve
    this.slots = new Slots(memory)
    port.on("message", (message: ToThread) => this.receive(message))
  }

  /** How many handlers run. */
  get running(): number {
    return this.invocations.size
  }

  /** Loads a module under its number. */
  load(
    { module, number, options }: NumberedModule
  ): Effect.Effect<ReadonlyArray<LoadedHandler>, Unloadable> {
    return Effect.map(load(module, options), (found) =>
      found.map((ready, at) => {
        const id = handlerIdsFrom(number) + at
        this.handlers.set(id, ready)
        const { exported, options, subscription, topic } = ready.found
        return { id, exported, options, subscription, topic }
      }))
  }

  /** Forgets the handlers of a module. */
  unload(moduleNumber: number): void {
    for (const id of this.handlers.keys()) {
      if (moduleNumberOf(id) === moduleNumber) this.handlers.delete(id)
    }
  }

  /** Succeeds once nothing runs and every call has its answer. */
  get drained(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.idle.push(() => resume(Effect.void))
      this.say() // The next flush looks whether that is so.
    })
  }

  private receive({ answers, cancelled, frame, isControlled }: ToThread): void {
    if (isControlled) this.serve()
    for (const answer of answers) this.calls.answer(answer)
    for (const slot of cancelled) this.invocations.get(slot)?.cancel()
    if (frame === undefined) return
    const { heads, texts } = Frame.decode(frame)
    heads.forEach((head, at) => this.begin(head as Head, texts[at] ?? "")) // As `Thread` made it.
  }

  private begin([slot, hand, handler, attempt, subscription, ...fields]: Head, text: string): void {
    const ready = this.handlers.get(handler)
    if (ready === undefined || !this.slots.claim(slot)) {
      this.say().skipped.push(slot)
      return
    }
    const view = new AgentView(
      handedOf(attempt, subscription, fields, text),
      this.calls.of({ slot, hand, handler })
    )
    const invocation = new Invocation(ready, view, (failure) => this.end(slot, failure))
    this.invocations.set(slot, invocation)
    // Wraps nothing of Effect: it has to beat also while no fibre runs.
    this.beating ??= setInterval(() => this.beat(), beatMs)
    invocation.begin()
  }

  private end(slot: number, failure: Failure | undefined): void {
    this.invocations.delete(slot)
    const out = this.say()
    if (failure !== undefined) out.failed.push({ slot, ...failure })
    else {
      out.done.push(slot)
      if (out.calls.length === 0) this.slots.finish(slot)
    }
  }

  private beat(): void {
    this.slots.beat()
    if (this.running > 0) return
    clearInterval(this.beating)
    this.beating = undefined
  }

  /** What is said at the end of this turn of the loop. */
  private say(): Outcomes {
    if (this.out === undefined) {
      this.out = { done: [], skipped: [], failed: [], calls: [] }
      setImmediate(() => this.flush())
    }
    return this.out
  }

  private flush(): void {
    const { out } = this
    this.out = undefined
    if (out !== undefined && Object.values(out).some(({ length }) => length > 0)) {
      this.port.postMessage({ kind: "outcomes", ...out } satisfies FromThread, [])
    }
    if (this.idle.length === 0) return
    if (this.running === 0 && this.calls.size === 0) this.idle.splice(0).forEach((tell) => tell())
    else this.say()
  }
}

interface Outcomes {
  readonly done: Array<number>
  readonly skipped: Array<number>
  readonly failed: Array<Failed>
  readonly calls: Array<Call>
}

/** A delivery out of its head; every field of the message is present, as everywhere. */
const handedOf = (
  attempt: number,
  subscription: string,
  fields: ReadonlyArray<unknown>,
  payload: string
): Handed => {
  const message: Record<string, unknown> = { payload }
  messageFields.forEach((field, at) => message[field] = fields[at] ?? undefined)
  // Written by the main thread out of a delivery, which is the proof of its types.
  return { attempt, subscription, message } as unknown as Handed
}
