/**
 * Real Redis servers for tests: found on this machine, started on a free port of the loopback, with
 * data of their own, and ended with the scope.
 */
import { Effect, Exit, Scope } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach } from "vitest"
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
    const given = {
      bind: "127.0.0.1",
      port: String(port),
      save: "",
      appendonly: "yes",
      ...settings
    }
    const child = yield* Effect.sync(() => {
      const log = fs.openSync(join(directory, "log"), "a")
      const child = spawn(
        "redis-server",
        Object.entries(given).flatMap(([name, value]) => [`--${name}`, ...value.split(" ")]),
        { cwd: directory, stdio: ["ignore", log, log] }
      )
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

/** A server for the tests of the file that calls this, emptied before each; skips without one. */
export const redisServer = (
  settings: Readonly<Record<string, string>> = {}
): Effect.Effect<Server> => {
  const scope = Scope.makeUnsafe()
  const state: { server: Exit.Exit<Server, NoServer> } = { server: Exit.die("not started") }
  beforeAll(async () => {
    state.server = await Effect.runPromiseExit(
      Effect.provideService(redis(settings), Scope.Scope, scope)
    )
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  beforeEach(({ skip }) => {
    Exit.match(state.server, {
      onFailure: (cause) => skip(NoServer.reasonOf(cause)),
      onSuccess: (server) => void server.cli("FLUSHALL")
    })
  })
  return Effect.orDie(Effect.suspend(() => state.server))
}
