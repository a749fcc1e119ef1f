/**
 * A control group (version 1) that takes CPU time or memory from a process.
 */
import { Effect, type Scope } from "effect"
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"

/** A group of processes under limits. */
export interface ControlGroup {
  /** Puts a process and all of its threads under the limits. */
  readonly take: (pid: number | undefined) => void
  /** Lets it go again. */
  readonly free: (pid: number | undefined) => void
  /** A command that is under the limits from its first moment. */
  readonly inside: (command: ReadonlyArray<string>) => ReadonlyArray<string>
  /** What the kernel says of the group. */
  readonly read: (file: string) => string
}

const groups = "/sys/fs/cgroup"

/** A group with limits, by the file that holds each; undefined where none can be made. */
export const controlGroup = (
  controller: "cpu" | "memory",
  limits: Readonly<Record<string, string | number>>
): Effect.Effect<ControlGroup | undefined, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(Effect.sync(() => made(controller, limits)), (path) =>
      path === undefined ? Effect.void : removed(path)),
    (path) =>
      path === undefined ? undefined : {
        take: (pid) =>
          writeFileSync(join(path, "cgroup.procs"), String(pid)),
        free: (pid) => writeFileSync(join(groups, controller, "cgroup.procs"), String(pid)),
        inside: (command) => [
          "sh",
          "-c",
          "echo $$ > \"$0\" && exec \"$@\"",
          join(path, "cgroup.procs"),
          ...command
        ],
        read: (file) => readFileSync(join(path, file), "utf8")
      }
  )

const made = (
  controller: string,
  limits: Readonly<Record<string, string | number>>
): string | undefined => {
  const path = join(groups, controller, `codefactory-${process.pid}-${Date.now()}`)
  try {
    mkdirSync(path)
  } catch {
    return undefined
  }
  try {
    for (const [file, value] of Object.entries(limits)) {
      writeFileSync(join(path, file), String(value))
    }
    return path
  } catch {
    rmdirSync(path)
    return undefined
  }
}

/** The kernel gives a group up once its last process has ended. */
const removed = (path: string) =>
  Effect.try(() => rmdirSync(path)).pipe(
    Effect.catch(() => Effect.andThen(Effect.sleep(50), Effect.fail("busy"))),
    Effect.retry({ times: 100 }),
    Effect.ignore
  )
