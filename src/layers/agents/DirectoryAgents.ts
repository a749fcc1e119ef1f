/**
 * The agents of a directory: found, loaded together or one after another, named when they fail.
 *
 * Nothing is detached when the layer's scope closes, because then the bus ends as well: its drain
 * lets running handlers finish, and the executor beneath it ends what does not.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agents, agentsMax } from "../../services/Agents.ts"
import { CodeFactory } from "../../services/CodeFactory.ts"
import { Executor } from "../../services/Executor.ts"
import { Sessions } from "../../services/Sessions.ts"
import { sessionValues } from "../../services/SessionValues.ts"
import { discover, type Discovered } from "./Discovery.ts"
import { makeLoader, parallelMax } from "./Loading.ts"
import { Roster } from "./Roster.ts"
import { watch } from "./Watching.ts"

/** Which agents, and how they are loaded. */
export interface AgentsOptions {
  readonly directory: string
  /** Several at once, or one after another in the order of their names. */
  readonly isParallel: boolean
  /** Make what is heavy at the first message that needs it. */
  readonly isHeavyLazy: boolean
  /** Do not run what agents export as `check`. */
  readonly isCheckSkipped: boolean
  /** What is not loaded by then has failed. */
  readonly timeout: Duration.Duration
  /** Load again what changes in the directory. */
  readonly isWatched: boolean
}

/** Names in one line of the log. */
const namesMax = 20

/** The agents of a directory over the bus and the executor that are provided. */
export const layer = (
  options: AgentsOptions
): Layer.Layer<Agents, never, CodeFactory | Executor | Sessions> =>
  Layer.effect(
    Agents,
    Effect.gen(function*() {
      const { directory, isParallel, isWatched, timeout } = options
      const roster = new Roster()
      const scope = yield* Effect.scope
      const loader = yield* makeLoader({
        ...options,
        roster,
        bus: yield* CodeFactory,
        executor: yield* Executor,
        sessions: sessionValues(yield* Sessions)
      })
      const start = Effect.gen(function*() {
        const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(timeout)
        const found = yield* discover(directory)
        yield* expect(roster, found)
        yield* Effect.forEach(found.agents, (file) => loader.start(file, until), {
          concurrency: isParallel ? parallelMax : 1,
          discard: true
        })
        return found
      })
      const load = Effect.matchEffect(start, {
        onFailure: (unreadable) =>
          Effect.sync(() => roster.fails(directory, unreadable.message)).pipe(
            Effect.andThen(Effect.logError(unreadable.message)),
            Effect.as(undefined)
          ),
        onSuccess: (found) => Effect.as(Effect.suspend(() => summary(roster, directory)), found)
      })
      return Agents.of({
        load: Effect.gen(function*() {
          const found = yield* Effect.ensuring(load, Effect.sync(() => roster.finish()))
          if (isWatched) yield* Effect.forkIn(watch(directory, found, loader, roster), scope)
        }),
        snapshot: () => roster.snapshot()
      })
    })
  )

/** Notes what will be loaded, and what is beyond the limit. */
const expect = (roster: Roster, { agents, excess }: Discovered): Effect.Effect<void> => {
  roster.expect(agents.map(({ file }) => file))
  if (excess === 0) return Effect.void
  const reason = `a process loads ${agentsMax} agents at most, the first by name; ` +
    "split the directory among several, or join agents in one module"
  roster.fails(`${excess} more`, reason)
  return Effect.logError(`${excess} agents were left out: ${reason}`)
}

/** One line that says how it went. */
const summary = (roster: Roster, directory: string): Effect.Effect<void> => {
  const { failed, loaded } = roster.snapshot()
  if (failed.length === 0 && loaded.length === 0) {
    return Effect.logWarning(`${directory} holds no agents (*.ts, *.mts, *.js, *.mjs)`)
  }
  const names = loaded.slice(0, namesMax).map(({ agent }) => agent)
  const others = loaded.length > namesMax ? [`${loaded.length - namesMax} more`] : []
  const list = loaded.length === 0 ? "" : `: ${[...names, ...others].join(", ")}`
  return Effect.logInfo(
    `agents of ${directory}: ${failed.length} failed, ${loaded.length} serve${list}`
  )
}
