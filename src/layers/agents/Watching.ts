/**
 * Watching: loads again what changes in a directory of agents, for development.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { watch as watchFiles } from "node:fs"
import { type AgentFile, discover, type Discovered } from "./Discovery.ts"
import { type Loader, parallelMax } from "./Loading.ts"
import type { Roster } from "./Roster.ts"

/** Editors write a file in several steps; a change is looked at when it is this old. */
const debounce = "100 millis"

/** Something may have changed, or nothing can be heard any more and why. */
type Hint = { readonly lost: string | undefined }

/**
 * Loads again until it is interrupted. A change is only a hint: what changed is found by looking
 * at the directory, so that hints may be lost or come twice.
 *
 * Each time the former module stays in memory, as modules do. After a change of a file that agents
 * import (`_shared.ts`, JSON) all are loaded again.
 */
export const watch = (
  directory: string,
  found: Discovered | undefined,
  loader: Loader,
  roster: Roster
): Effect.Effect<void> =>
  Effect.scoped(Effect.gen(function*() {
    const hints = yield* Queue.sliding<Hint>(1)
    yield* listen(directory, hints)
    yield* Queue.offer(hints, { lost: undefined }) // What changed before anybody listened.
    const state = { seen: found, version: 0 }
    const look = Effect.gen(function*() {
      yield* Effect.sleep(debounce)
      yield* Queue.clear(hints)
      const now = yield* discover(directory)
      const { seen } = state
      state.seen = now
      state.version++
      yield* reconcile(seen, now, state.version, loader, roster)
    })
    while (true) {
      const { lost } = yield* Queue.take(hints)
      if (lost !== undefined) return yield* Effect.logWarning(unwatched(directory, lost))
      yield* Effect.catch(look, (error) => Effect.logWarning(error.message))
    }
  }))

const unwatched = (directory: string, reason: string): string =>
  `${directory} is not watched (${reason}); restart to load what changes`

/** Offers a hint whenever the directory may have changed, until the scope closes. */
const listen = (
  directory: string,
  hints: Queue.Queue<Hint>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () =>
        watchFiles(directory, () => Queue.offerUnsafe(hints, { lost: undefined }))
          .on("error", ({ message }) => Queue.offerUnsafe(hints, { lost: message })),
      catch: (error) => error instanceof Error ? error.message : String(error)
    }),
    (watcher) => Effect.sync(() => watcher.close())
  ).pipe(
    Effect.andThen(
      Effect.logInfo(`watching ${directory}: agents are loaded again when their files change`)
    ),
    Effect.catch((lost) => Effect.asVoid(Queue.offer(hints, { lost })))
  )

/** Makes what serves equal to what the directory holds now. */
const reconcile = (
  seen: Discovered | undefined,
  now: Discovered,
  version: number,
  loader: Loader,
  roster: Roster
): Effect.Effect<void> => {
  const stamps = new Map(seen?.agents.map(({ file, stamp }) => [file, stamp]))
  const present = new Set(now.agents.map(({ file }) => file))
  const gone = roster.files.filter((file) => stamps.has(file) && !present.has(file))
  const isShared = seen?.sharedStamp !== now.sharedStamp
  const changed = now.agents.filter(({ file, stamp }) => isShared || stamps.get(file) !== stamp)
  if (gone.length === 0 && changed.length === 0) return Effect.void
  const load = (files: ReadonlyArray<AgentFile>) =>
    Effect.forEach(files, (file) => loader.again(file, version), {
      concurrency: parallelMax,
      discard: true
    })
  return Effect.forEach(gone, (file) => loader.remove(file), { discard: true }).pipe(
    Effect.andThen(load(changed)),
    // Any change may mend what failed, such as one that has taken the name of another.
    Effect.andThen(
      Effect.suspend(() =>
        load(now.agents.filter((one) => !changed.includes(one) && loader.isMendable(one.file)))
      )
    )
  )
}
