/**
 * Answers: the calls of handlers in another thread, done here on the bus.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { wordsOf } from "../../domain/ErrorWords.ts"
import type { HandlerCalls } from "../../services/Executor.ts"
import type { Answer, Call } from "./Protocol.ts"
import type { Run } from "./Run.ts"

/** The calls of one thread. */
export class Answers {
  private readonly send: (answer: Answer) => void
  /** What each handler was given to call last: it may call when its run is over. */
  private readonly given = new Map<number, HandlerCalls>()

  constructor(send: (answer: Answer) => void) {
    this.send = send
  }

  /** A run is handed over, whose handler may call. */
  expect({ calls, handler }: Run): void {
    if (this.given.get(handler.id) !== calls) this.given.set(handler.id, calls)
  }

  /** Does what a handler asked for; `run` is its run, unless that is over. */
  call(call: Call, run: Run | undefined): void {
    const asked = call.kind === "reply" ? this.reply(call, run) : this.ask(call)
    Effect.runForkWith(run?.context ?? Context.empty())(asked).addObserver((exit) =>
      this.send(answerOf(call.call, exit))
    )
  }

  private ask(call: Call): Effect.Effect<unknown, unknown> {
    const calls = this.given.get(call.handler)
    return calls === undefined
      ? Effect.die("a call of a handler that never ran")
      : Effect.suspend(() => asked(calls, call))
  }

  private reply({ payload }: Call, run: Run | undefined): Effect.Effect<unknown, unknown> {
    return run === undefined
      ? Effect.succeed(false)
      : Effect.suspend(() => run.delivery.reply(valueOf(payload)))
  }
}

/** What was asked, but for a reply. */
const asked = (
  { publish, sessions }: HandlerCalls,
  { kind, options, payload, topic }: Call
): Effect.Effect<unknown, unknown> => {
  switch (kind) {
    case "getSession":
      return sessions.get(topic)
    case "setSession":
      return sessions.set(topic, valueOf(payload), valueOf(options))
    case "deleteSession":
      return sessions.delete(topic, valueOf(payload))
    default:
      return publish(topic, valueOf(payload), valueOf(options))
  }
}

const valueOf = (text: string | undefined): unknown =>
  text === undefined ? undefined : JSON.parse(text)

const answerOf = (call: number, exit: Exit.Exit<unknown, unknown>): Answer => {
  if (Exit.isSuccess(exit)) return { call, isOk: true, text: JSON.stringify(exit.value ?? null) }
  const error = Cause.squash(exit.cause)
  return { call, isOk: false, text: wordsOf(() => JSON.stringify(fieldsOf(error))) }
}

/** The fields of an error, with its message, which is no field of its own. */
const fieldsOf = (error: unknown): Readonly<Record<string, unknown>> =>
  error instanceof Error ? { ...error, message: error.message } : { message: String(error) }
