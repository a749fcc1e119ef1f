/**
 * Agents of a directory over a bus in memory, for one test.
 */
import { Duration, Effect, Layer } from "effect"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type AgentsOptions, layer } from "../../../src/layers/agents/DirectoryAgents.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as Embedding from "../../../src/layers/embed/Embedding.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import * as LocalSessions from "../../../src/layers/sessions/LocalSessions.ts"
import { Agents } from "../../../src/services/Agents.ts"
import { CodeFactory } from "../../../src/services/CodeFactory.ts"
import type { Executor } from "../../../src/services/Executor.ts"
import { directory } from "../../contracts/Directory.ts"

/** A directory whose files a test writes, and the agents of it. */
export interface Agency {
  readonly agents: Agents["Service"]
  readonly bus: CodeFactory["Service"]
  readonly directory: string
  readonly write: (file: string, text?: string) => void
  readonly remove: (file: string) => void
}

/** Agents that are not loaded yet, of a directory that holds `files`. */
export const agency = Effect.fnUntraced(function*(
  executor: Layer.Layer<Executor>,
  files: Readonly<Record<string, string>> | ReadonlyArray<string>,
  options: Partial<AgentsOptions> = {}
) {
  const path = yield* directory
  const write = (file: string, text = "export {}") => writeFileSync(join(path, file), text)
  if (Array.isArray(files)) files.forEach((file: string) => write(file))
  else Object.entries(files).forEach(([file, text]) => write(file, text))
  const context = yield* Layer.build(
    layer({
      directory: path,
      isParallel: true,
      isHeavyLazy: true,
      isCheckSkipped: false,
      timeout: Duration.seconds(90),
      isWatched: false,
      ...options
    }).pipe(
      Layer.provideMerge(Embedding.layer),
      Layer.provide(Bus.layer(Bus.optionsDefault)),
      Layer.provide(MemoryLog.layer),
      Layer.provide([executor, LocalSessions.layer()])
    )
  )
  const made: Agency = yield* Effect.provide(
    Effect.gen(function*() {
      return {
        agents: yield* Agents,
        bus: yield* CodeFactory,
        directory: path,
        write,
        remove: (file: string) => rmSync(join(path, file))
      }
    }),
    context
  )
  return made
})

/** Waits for something that real files and modules bring about, whatever the clock of a test. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() =>
    isSo()
      ? Effect.void
      : Effect.andThen(Effect.promise(() => new Promise(setImmediate)), until(isSo))
  )
