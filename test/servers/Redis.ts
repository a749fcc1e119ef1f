/**
 * Real Redis servers for tests: found on this machine, started on a free port of the loopback, with
 * data of their own, and ended with the scope.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { NoServer } from "./NoServer.ts"
import { ended, freePort } from "./Process.ts"

/** A running server. */
export interface Server {
  readonly port: number
  readonly url: string
  /** Ends it at once. */
  readonly kill: Effect.Effect<void>
  /** Starts it again on the same port and data. */
  readonly start: Effect.Effect<void>
  /** The process, to be stopped and continued. */
  readonly process: () => ChildProcess
  /** What the command-line client says to these arguments. */
  readonly cli: (...args: ReadonlyArray<string>) => string
}

const isInstalled = (): boolean => spawnSync("redis-server", ["--version"]).status === 0

/** Starts a server with these settings beside the usual ones; fails where there is none. */
export const redis = (
  settings: Readonly<Record<string, string>> = {}
): Effect.Effect<Server, NoServer, Scope.Scope> =>
  Effect.gen(function*() {
    if (!isInstalled()) {
      return yield* new NoServer({ reason: "needs a server: redis-server is not installed" })
    }
    const port = yield* freePort
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => {
        fs.mkdirSync(".run", { recursive: true })
        return fs.mkdtempSync(join(".run", "redis-"))
      }),
      (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
    )
    const running = yield* Effect.acquireRelease(
      Effect.map(started(directory, port, settings), (child) => ({ child })),
      ({ child }) => ended(child, "SIGKILL")
    )
    return {
      port,
      url: `redis://127.0.0.1:${port}`,
      kill: Effect.suspend(() => ended(running.child, "SIGKILL")),
      start: Effect.flatMap(started(directory, port, settings), (child) =>
        Effect.sync(() => {
          running.child = child
        })),
      process: () => running.child,
      cli: (...args) => cli(port, args)
    }
  })

const cli = (port: number, args: ReadonlyArray<string>): string =>
  spawnSync("redis-cli", ["-p", String(port), ...args], { encoding: "utf8" }).stdout.trim()

/** Starts the server process and waits until it answers. */
const started = (
  directory: string,
  port: number,
  settings: Readonly<Record<string, string>>
): Effect.Effect<ChildProcess> =>
  Effect.gen(function*() {
    const child = yield* Effect.sync(() => {
      const log = fs.openSync(join(directory, "log"), "a")
      const child = spawn("redis-server", argumentsOf(directory, port, settings), {
        cwd: directory,
        stdio: ["ignore", log, log]
      })
      fs.closeSync(log)
      fs.writeFileSync(join(directory, "pid"), String(child.pid))
      return child
    })
    // Whatever it answers: one that wants a password does, too.
    while (!/PONG|NOAUTH|NOPERM/.test(cli(port, ["ping"]))) {
      if (child.exitCode !== null) {
        return yield* Effect.die(new Error(fs.readFileSync(join(directory, "log"), "utf8")))
      }
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 25)))
    }
    return child
  })

/** A sentinel keeps what it knows in its file of settings, so it has one. */
const argumentsOf = (
  directory: string,
  port: number,
  { mode, ...settings }: Readonly<Record<string, string>>
): ReadonlyArray<string> => {
  const common = { bind: "127.0.0.1", port: String(port) }
  if (mode === "sentinel") {
    const lines = Object.entries({ ...common, ...settings })
    const file = join(directory, "sentinel.conf")
    if (!fs.existsSync(file)) {
      fs.writeFileSync(file, lines.map(([key, value]) => `${key} ${value}\n`).join(""))
    }
    return ["sentinel.conf", "--sentinel"]
  }
  return Object.entries({ ...common, save: "", appendonly: "yes", ...settings })
    .flatMap(([key, value]) => [`--${key}`, ...value.split(" ")])
}
