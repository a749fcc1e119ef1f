/**
 * Discovery: which files of a directory are agents, and which of them have changed since.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readdir, stat } from "node:fs/promises"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { agentsMax } from "../../services/Agents.ts"

/** Files looked at at once. */
const statsMax = 16

/** A module of the directory. */
export interface AgentFile {
  /** Its name, such as `receipts.ts`. */
  readonly file: string
  /** The name without extension: subscriptions begin with it. */
  readonly name: string
  /** An absolute URL. */
  readonly url: string
  /** Another one after each change of the file. */
  readonly stamp: string
}

/** What a directory holds. */
export interface Discovered {
  /** By name, `agentsMax` at most. */
  readonly agents: ReadonlyArray<AgentFile>
  /** How many there are beyond that. */
  readonly excess: number
  /** Changes when a file does that agents may import: one that begins with `_`, or JSON. */
  readonly sharedStamp: string
}

/** The directory cannot be read. Remedy: create it, or correct the path. */
export class DirectoryUnreadable
  extends Schema.TaggedError<DirectoryUnreadable>()("DirectoryUnreadable", {
    reason: Schema.String
  })
{
  override get message(): string {
    return `the directory of agents cannot be read: ${this.reason}`
  }
}

const code = /\.(ts|mts|js|mjs)$/

/** A module, but no declarations, no test, and nothing that its name marks as not an agent. */
const isAgent = (file: string): boolean =>
  code.test(file) && !/^[._]/.test(file) && !/\.d\.m?ts$/.test(file) && !file.includes(".test.")

const isShared = (file: string): boolean =>
  !file.startsWith(".") && (file.endsWith(".json") || (code.test(file) && file.startsWith("_")))

/** Looks directly in the directory, not below it. */
export const discover = (
  directory: string
): Effect.Effect<Discovered, DirectoryUnreadable> =>
  Effect.gen(function*() {
    const names = (yield* attempt(() => readdir(directory))).toSorted()
    const agents = names.filter(isAgent)
    return {
      agents: yield* stamped(directory, agents.slice(0, agentsMax)),
      excess: Math.max(0, agents.length - agentsMax),
      sharedStamp: (yield* stamped(directory, names.filter(isShared).slice(0, agentsMax)))
        .map(({ file, stamp }) => `${file} ${stamp}`).join("\n")
    }
  })

const stamped = (directory: string, files: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(
      files,
      // A file that is gone by now, and a link that leads nowhere, is none.
      (file) => Effect.catch(stampOf(directory, file), () => Effect.succeed(undefined)),
      { concurrency: statsMax }
    ),
    (found) => found.filter((one) => one !== undefined)
  )

/** Follows links: that is how Kubernetes mounts the files of a ConfigMap. */
const stampOf = (directory: string, file: string) =>
  Effect.map(
    attempt(() => stat(join(directory, file))),
    (status): AgentFile | undefined =>
      status.isFile()
        ? {
          file,
          name: file.replace(code, ""),
          url: pathToFileURL(resolve(directory, file)).href,
          stamp: `${status.mtimeMs} ${status.size} ${status.ino}`
        }
        : undefined
  )

const attempt = <A>(read: () => Promise<A>): Effect.Effect<A, DirectoryUnreadable> =>
  Effect.tryPromise({
    try: read,
    catch: (error) =>
      new DirectoryUnreadable({ reason: error instanceof Error ? error.message : String(error) })
  })
