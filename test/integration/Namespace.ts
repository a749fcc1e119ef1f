/**
 * A file system of its own for one process: small, or read-only.
 *
 * Mounted in a mount namespace of its own, so that no privilege is needed, and so that it vanishes
 * with the process that holds it, even when the test is killed.
 */
import { Effect, Result, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"

/** A mounted file system. */
export interface Mounted {
  /** Runs a command that sees the file system at the path it was mounted on. */
  readonly inside: (command: ReadonlyArray<string>) => ReadonlyArray<string>
  /** Where this process sees a path of the namespace. */
  readonly seenFromOutside: (path: string) => string
}

/** Mounts an empty file system on `path`; fails with the reason where this machine does not let. */
export const mounted = (
  path: string,
  options: string
): Effect.Effect<Mounted, string, Scope.Scope> =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => hold(path, options)),
      (child) => Effect.sync(() => child.stdin?.end())
    )
    const ready = yield* Effect.result(readiness(child))
    if (Result.isFailure(ready)) return yield* Effect.fail(ready.failure)
    const pid = String(child.pid)
    return {
      inside: (command) => [
        "nsenter",
        "--target",
        pid,
        "--user",
        "--mount",
        "--preserve-credentials",
        ...command
      ],
      seenFromOutside: (inner) => join("/proc", pid, "root", inner)
    }
  })

/** `cat` holds the namespace until its input ends. */
const hold = (path: string, options: string): ChildProcess =>
  spawn("unshare", [
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && echo ready && exec cat",
    "sh",
    options,
    path
  ], { stdio: "pipe" })

const readiness = (child: ChildProcess): Effect.Effect<void, string> =>
  Effect.callback((resume) => {
    const said: Array<string> = []
    child.stdout?.once("data", () => resume(Effect.void))
    child.stderr?.on("data", (chunk: Buffer) => said.push(chunk.toString()))
    child.once("error", (error) => resume(Effect.fail(error.message)))
    child.once("close", () => resume(Effect.fail(said.join("").trim())))
  })
