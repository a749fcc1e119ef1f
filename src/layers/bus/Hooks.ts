/**
 * Hooks at run time: what runs before a message is accepted, and what is told afterwards.
 *
 * Without hooks a publish pays one look at the length of a list.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import { wordsOf } from "../../domain/ErrorWords.ts"
import type { Draft } from "../../domain/Message.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import {
  type AfterHook,
  afterHookMsMax,
  afterHookQueueMax,
  type BeforeHook,
  beforeHookMsMax,
  HookLimit,
  HookRefused,
  type Hooks,
  hooksMax
} from "../../services/Hooks.ts"
import type { LogEntry } from "../../services/MessageLog.ts"
import { checkDraft } from "./DraftCheck.ts"

/** Longest reason of a refusal, in characters: it is sent to the publisher. */
const reasonLengthMax = 500

interface Before {
  readonly name: string
  readonly hook: BeforeHook
}

/** One hook after the publish, with what waits for it. Mutable on purpose: counted per message. */
class After {
  readonly name: string
  readonly hook: AfterHook
  readonly queue: Queue.Queue<LogEntry>
  bytes = 0

  constructor(name: string, hook: AfterHook, queue: Queue.Queue<LogEntry>) {
    this.name = name
    this.hook = hook
    this.queue = queue
  }

  /** Queues a message, unless too much waits. */
  offer(entry: LogEntry): boolean {
    if (this.bytes + entry.bytes > afterHookQueueMax.bytes && this.bytes > 0) return false
    if (!Queue.offerUnsafe(this.queue, entry)) return false
    this.bytes += entry.bytes
    return true
  }
}

/** The hooks of one bus. Its lists are replaced, so that a publish under way keeps its own. */
export class HookRegistry {
  before: ReadonlyArray<Before> = []
  after: ReadonlyArray<After> = []
  /** Runs after a publish that failed. */
  failed = 0
  /** Messages not shown to a hook, for too many waited. */
  dropped = 0

  /** A message was accepted. Runs inside the commit: it only queues. */
  accepted(entry: LogEntry): void {
    for (const after of this.after) if (!after.offer(entry)) this.dropped++
  }

  /** The draft that the hooks make of a draft. */
  apply(draft: Draft): Effect.Effect<Draft, HookRefused> {
    return this.before.reduce(
      (former: Effect.Effect<Draft, HookRefused>, before) =>
        Effect.flatMap(former, (given) => run(before, given)),
      Effect.succeed(draft)
    )
  }
}

/** The service of a registry. */
export const make = (registry: HookRegistry): Hooks => ({
  before: (name, hook) => {
    const before: Before = { name, hook }
    return Effect.acquireRelease(
      Effect.suspend(() => {
        if (registry.before.length >= hooksMax) {
          return Effect.fail(new HookLimit({ limit: hooksMax }))
        }
        registry.before = [...registry.before, before]
        return Effect.void
      }),
      () =>
        Effect.sync(() => {
          registry.before = registry.before.filter((other) => other !== before)
        })
    )
  },
  after: Effect.fnUntraced(function*(name, hook) {
    if (registry.after.length >= hooksMax) return yield* new HookLimit({ limit: hooksMax })
    const queue = yield* Queue.dropping<LogEntry>(afterHookQueueMax.messages)
    const after = new After(name, hook, queue)
    // Registered in some execution context, which is not that of the messages.
    const told = Effect.forever(ExecutionContext.cleared(tellNext(registry, after)))
    yield* Effect.forkScoped(told)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        registry.after = [...registry.after, after]
      }),
      () =>
        Effect.andThen(
          Effect.sync(() => {
            registry.after = registry.after.filter((other) => other !== after)
          }),
          Queue.shutdown(queue)
        )
    )
  })
})

const run = ({ hook, name }: Before, draft: Draft): Effect.Effect<Draft, HookRefused> => {
  const refuse = (reason: string) =>
    Effect.fail(new HookRefused({ hook: name, reason: reason.slice(0, reasonLengthMax) }))
  return Effect.suspend((): Effect.Effect<unknown, unknown> => {
    const returned = hook(draft)
    return Effect.isEffect(returned)
      ? Effect.timeoutOrElse(returned, {
        duration: beforeHookMsMax,
        orElse: () => Effect.fail(`it ran longer than ${beforeHookMsMax} ms`)
      })
      : Effect.succeed(returned)
  }).pipe(
    Effect.matchCauseEffect({
      onFailure: (cause) => refuse(reasonOf(cause)),
      onSuccess: (returned) => {
        if (returned === draft) return Effect.succeed(draft)
        const checked = checkDraft(returned)
        return typeof checked === "string"
          ? refuse(`it returned no draft: ${checked}`)
          : Effect.succeed(checked)
      }
    })
  )
}

/** In words; what a program throws need not have any. */
const reasonOf = (cause: Cause.Cause<unknown>): string =>
  wordsOf(() => {
    const error = Cause.squash(cause)
    return error instanceof Error ? error.message : String(error)
  })

/** A bus-level hook has no services but those of its own closure. */
const isOwnEffect = (value: unknown): value is Effect.Effect<unknown, unknown> =>
  Effect.isEffect(value)

/** Shows the next message to a hook. */
const tellNext = (registry: HookRegistry, after: After): Effect.Effect<void> =>
  Effect.flatMap(Queue.take(after.queue), (entry) => {
    after.bytes -= entry.bytes
    const shown = Effect.suspend(() => {
      const returned = after.hook(entry.message)
      return isOwnEffect(returned) ? Effect.timeout(returned, afterHookMsMax) : Effect.void
    })
    return Effect.flatMap(Effect.exit(shown), (exit) => {
      if (Exit.isSuccess(exit)) return Effect.void
      registry.failed++
      return Effect.logWarning("a hook after a publish failed", exit.cause).pipe(
        Effect.annotateLogs({ hook: after.name, message: entry.message.id })
      )
    })
  })
