/**
 * Loading: modules become agents that serve, at the start and again after a change.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { AgentUnloadable } from "../../services/Agent.ts"
import type { LoadOptions } from "../../services/Executor.ts"
import { attach, type AttachedTo } from "./Attaching.ts"
import type { AgentFile } from "./Discovery.ts"
import { oneLine } from "./Reasons.ts"
import type { Opened, Roster, Serving } from "./Roster.ts"

/** Modules that are loaded at once: enough to wait for several disks or servers together. */
export const parallelMax = 8

/** What loading works with. */
export interface LoaderOptions extends AttachedTo, LoadOptions {
  readonly roster: Roster
  /** How long loading at the start may take altogether, and one that is loaded again by itself. */
  readonly timeout: Duration.Duration
}

/** Loads agents; each call ends with its agent serving or failed, and never fails itself. */
export interface Loader {
  /** At the start, until `until` (milliseconds of the clock). */
  readonly start: (file: AgentFile, until: number) => Effect.Effect<void>
  /** After a change: what cannot be loaded leaves its former self serving. */
  readonly again: (file: AgentFile, version: number) => Effect.Effect<void>
  readonly remove: (file: string) => Effect.Effect<void>
  /** Whether it failed, but not for want of time, so that another change may mend it. */
  readonly isMendable: (file: string) => boolean
}

/** A loader that keeps the roster. */
export const makeLoader = (options: LoaderOptions): Effect.Effect<Loader> =>
  Effect.map(Semaphore.make(1), (turn) => {
    const { roster, timeout } = options
    // One change of who has which subscription at a time; loading itself needs no turn.
    const load = (file: AgentFile, version: number, settle: Settle) =>
      Effect.flatMap(open(options, file, version), (opened) =>
        Effect.onError(
          turn.withPermit(settle(options, opened)),
          (cause) => Scope.close(opened.loading, Exit.failCause(cause))
        ))
    const within = (file: AgentFile, ms: number, loading: Effect.Effect<void, AgentUnloadable>) => {
      const late = new AgentUnloadable({ agent: file.file, reason: lateBy(timeout) })
      return ms <= 0
        ? late
        : Effect.timeoutOrElse(loading, { duration: ms, orElse: () => late })
    }
    return {
      start: (file, until) =>
        Effect.gen(function*() {
          const left = until - (yield* Clock.currentTimeMillis)
          yield* Effect.catch(within(file, left, load(file, 0, join)), refuse(roster))
        }),
      again: (file, version) =>
        Effect.matchEffect(within(file, Duration.toMillis(timeout), load(file, version, replace)), {
          onSuccess: () => Effect.logInfo(`agent ${file.file}: loaded again`),
          onFailure: (error) =>
            roster.of(file.file) === undefined
              ? refuse(roster)(error)
              : Effect.logError(`${error.message} (its former version goes on)`)
        }),
      isMendable: (file) => ![undefined, lateBy(timeout)].includes(roster.reasonOf(file)),
      remove: (file) =>
        turn.withPermit(Effect.suspend(() => {
          const serving = roster.of(file)
          roster.forget(file)
          const gone = Effect.logInfo(`agent ${file}: removed`)
          return serving === undefined ? gone : Effect.andThen(unload(serving), gone)
        }))
    }
  })

const lateBy = (timeout: Duration.Duration): string =>
  `it was not loaded within STARTUP_TIMEOUT (${Duration.toSeconds(timeout)} s)`

/** Lets a loaded module serve. */
type Settle = (options: LoaderOptions, opened: Opened) => Effect.Effect<void, AgentUnloadable>

/**
 * At the start. Of those that want one subscription the first by name has it, whichever was loaded
 * first: alike on every pod.
 */
const join: Settle = ({ roster, ...to }, opened) =>
  Effect.gen(function*() {
    const rivals = yield* rivalsOf(roster, opened)
    const winner = rivals.find(({ file }) => file.file < opened.file.file)
    if (winner !== undefined) return yield* taken(opened, winner)
    for (const loser of rivals) {
      yield* unload(loser)
      yield* refuse(roster)(taken(loser, opened))
    }
    roster.serves(yield* attach(to, opened))
  })

/** After a change: in place of its former self, which takes its place again if that fails. */
const replace: Settle = ({ roster, ...to }, opened) =>
  Effect.gen(function*() {
    const [holder] = yield* rivalsOf(roster, opened)
    if (holder !== undefined) return yield* taken(opened, holder)
    const former = roster.of(opened.file.file)
    if (former === undefined) return roster.serves(yield* attach(to, opened))
    yield* Scope.close(former.attached, Exit.void) // Those that run finish.
    const back = Effect.matchEffect(attach(to, former), {
      onFailure: refuse(roster),
      onSuccess: (serving) => Effect.sync(() => roster.serves(serving))
    })
    roster.serves(yield* Effect.onError(attach(to, opened), () => back))
    yield* Scope.close(former.loading, Exit.void)
  })

/** Notes a failure; it is said once, however often it is tried again. */
const refuse = (roster: Roster) => (error: AgentUnloadable): Effect.Effect<void> =>
  Effect.suspend(() =>
    roster.fails(error.agent, error.reason) ? Effect.logError(error.message) : Effect.void
  )

/** Loads a module; nothing of it is attached yet. */
const open = (
  { executor, isCheckSkipped, isHeavyLazy }: LoaderOptions,
  file: AgentFile,
  version: number
): Effect.Effect<Opened, AgentUnloadable> =>
  Effect.gen(function*() {
    const loading = yield* Scope.make()
    const refused = (reason: string) =>
      new AgentUnloadable({ agent: file.file, reason: oneLine(reason) })
    const handlers = yield* executor.load(
      { name: file.name, url: file.url, version },
      { isCheckSkipped, isHeavyLazy }
    ).pipe(
      // Whatever becomes of a module, also that somebody interrupts its loading, is its failure.
      Effect.catchCause((cause) => Effect.fail(refused(whyUnloaded(cause)))),
      Effect.filterOrFail(
        ({ length }) => length > 0,
        () => refused("it exports no handler; export one that `on` of codefactory/agent made")
      ),
      Scope.provide(loading),
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(loading, exit))
    )
    return { file, handlers, loading }
  })

const whyUnloaded = (cause: Cause.Cause<AgentUnloadable>): string => {
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  return failure === undefined ? `its loading ended: ${Cause.pretty(cause)}` : failure.reason
}

/** Ends an agent; those of its handlers that run finish. */
const unload = ({ attached, loading }: Serving): Effect.Effect<void> =>
  Effect.andThen(Scope.close(attached, Exit.void), Scope.close(loading, Exit.void))

/** The other agents that have a subscription of this one. */
const rivalsOf = (
  roster: Roster,
  { file: { file }, handlers }: Opened
): Effect.Effect<ReadonlyArray<Serving>, AgentUnloadable> => {
  const names = handlers.map(({ subscription }) => subscription)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    const reason = `two of its handlers have the subscription ${twice}; name one of them otherwise`
    return Effect.fail(new AgentUnloadable({ agent: file, reason }))
  }
  const holders = new Set(names.map((name) => roster.holderOf(name)))
  return Effect.succeed(
    Array.from(holders).flatMap((one) => one === undefined || one.file.file === file ? [] : [one])
  )
}

const taken = (opened: Opened, holder: Opened): AgentUnloadable => {
  const theirs = new Set(holder.handlers.map(({ subscription }) => subscription))
  const name = opened.handlers.find(({ subscription }) => theirs.has(subscription))?.subscription
  const reason = `its subscription ${name} is that of ${holder.file.file}; set \`name\` in the ` +
    "options of one of the two handlers"
  return new AgentUnloadable({ agent: opened.file.file, reason })
}
