/**
 * Real PostgreSQL servers for tests: found on this machine, started on a free port of the loopback,
 * with data of their own, and ended with the scope.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { NoServer } from "./NoServer.ts"
import { ended, freePort } from "./Process.ts"

/** A running server. */
export interface Server {
  readonly port: number
  /** The address of a database of it, as its superuser. */
  readonly url: (database?: string) => string
  /** Ends it: at once and without a checkpoint (`immediate`), or in order (`fast`). */
  readonly stop: (how: "immediate" | "fast") => Effect.Effect<void>
  /** Starts it again on the same port and data. */
  readonly start: Effect.Effect<void>
  /** The process, to be stopped and continued. */
  readonly process: () => ChildProcess
  /** Everything in its log. */
  readonly said: () => string
  /** A standby that follows it, from now on and through the network. */
  readonly standby: Effect.Effect<Server, never, Scope.Scope>
}

/** Where the programs of PostgreSQL are: the newest version, or nowhere. */
const binaries = (): string | undefined => {
  const given = process.env["POSTGRES_BIN"]
  if (given !== undefined) return fs.existsSync(join(given, "initdb")) ? given : undefined
  const home = "/usr/lib/postgresql" // Where Debian and its kin put them.
  const versions = fs.existsSync(home)
    ? fs.readdirSync(home).toSorted((a, b) => Number(b) - Number(a))
    : []
  const first = versions.find((version) => fs.existsSync(join(home, version, "bin", "initdb")))
  if (first !== undefined) return join(home, first, "bin")
  const said = spawnSync("pg_config", ["--bindir"], { encoding: "utf8" })
  const path = said.error === undefined ? said.stdout.trim() : ""
  return path !== "" && fs.existsSync(join(path, "initdb")) ? path : undefined
}

/** PostgreSQL refuses to run as root; then it runs as nobody. */
const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** A directory below `.run`, or below the system's own where `nobody` cannot get to that. */
const home = (): string => {
  const wanted = join(process.cwd(), ".run")
  fs.mkdirSync(wanted, { recursive: true })
  const passable = spawnSync("test", ["-x", wanted], { cwd: "/", ...identity }).status === 0
  return passable ? wanted : tmpdir()
}

const run = (command: string, args: ReadonlyArray<string>): void => {
  const { error, status, stderr, stdout } = spawnSync(command, args, {
    cwd: "/",
    encoding: "utf8",
    env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" },
    ...identity
  })
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr + stdout}`)
}

const ownedDirectory = (path: string): void => {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 })
  if (identity.uid !== undefined) fs.chownSync(path, identity.uid, identity.gid)
}

/** A cluster as `initdb` leaves it, made once: copying it takes a twentieth of the time. */
const template = (bin: string): string => {
  const made = join(home(), `postgres-template-${bin.replaceAll(/\W+/g, "-")}`)
  if (fs.existsSync(made)) return made
  const making = `${made}-${process.pid}`
  ownedDirectory(making)
  run(join(bin, "initdb"), [
    ...["-D", making, "-U", "postgres", "-A", "trust", "-E", "UTF8"],
    ...["--locale=C.UTF-8", "--no-sync"]
  ])
  try { // Another test may have made it meanwhile.
    fs.renameSync(making, made)
  } catch {
    fs.rmSync(making, { recursive: true, force: true })
  }
  return made
}

const configuration = (port: number, settings: Readonly<Record<string, string>>): string =>
  Object.entries({
    port: String(port),
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: "''",
    max_connections: "200",
    shared_buffers: "'64MB'",
    ...settings
  }).map(([name, value]) => `${name} = ${value}\n`).join("")

/** Starts a server with these settings beside the usual ones; fails where there is none. */
export const postgres = (
  settings: Readonly<Record<string, string>> = {}
): Effect.Effect<Server, NoServer, Scope.Scope> =>
  Effect.gen(function*() {
    const bin = binaries()
    if (bin === undefined) {
      return yield* new NoServer({ reason: "needs a server: PostgreSQL is not installed" })
    }
    const port = yield* freePort
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const path = fs.mkdtempSync(join(home(), "postgres-"))
        fs.rmSync(path, { recursive: true })
        spawnSync("cp", ["-a", template(bin), path])
        fs.appendFileSync(join(path, "postgresql.conf"), configuration(port, settings))
        return path
      }),
      (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
    )
    return yield* serverOf(bin, directory, port)
  })

/**
 * Starts a server that has Citus, with the plan of each statement in its log. Citus is in no
 * package registry, so that being without it is no fault of the machine.
 */
export const citus: Effect.Effect<Server, NoServer, Scope.Scope> = Effect.suspend(() =>
  librariesOf(binaries()).some((path) => fs.existsSync(join(path, "citus.so")))
    ? postgres({
      shared_preload_libraries: "'citus,auto_explain'",
      "auto_explain.log_min_duration": "0",
      max_connections: "300", // Citus has some to itself.
      max_prepared_transactions: "300",
      wal_level: "'logical'" // Shards are moved while they are used.
    })
    : Effect.fail(new NoServer({ reason: "Citus is not installed beside PostgreSQL" }))
)

/** Where a server with these programs may have its extensions. */
const librariesOf = (bin: string | undefined): ReadonlyArray<string> => {
  if (bin === undefined) return []
  const said = spawnSync(join(bin, "pg_config"), ["--pkglibdir"], { encoding: "utf8" })
  return [join(bin, "..", "lib"), ...said.error === undefined ? [said.stdout.trim()] : []]
}

const serverOf = (
  bin: string,
  directory: string,
  port: number
): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function*() {
    const running = yield* Effect.acquireRelease(
      Effect.map(started(bin, directory, port), (child) => ({ child })),
      ({ child }) => ended(child, "SIGQUIT")
    )
    return {
      standby: standbyOf(bin, port),
      port,
      url: (database = "postgres") => `postgres://postgres@127.0.0.1:${port}/${database}`,
      stop: (how) =>
        Effect.suspend(() => ended(running.child, how === "immediate" ? "SIGQUIT" : "SIGINT")),
      start: Effect.flatMap(started(bin, directory, port), (child) =>
        Effect.sync(() => {
          running.child = child
        })),
      process: () => running.child,
      said: () => fs.readFileSync(join(directory, "log"), "utf8")
    }
  })

const standbyOf = (bin: string, primary: number): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function*() {
    const port = yield* freePort
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const path = fs.mkdtempSync(join(home(), "standby-"))
        ownedDirectory(path)
        run(join(bin, "pg_basebackup"), [
          ...["-h", "127.0.0.1", "-p", String(primary), "-U", "postgres", "-D", path],
          ...["-R", "-X", "stream", "-c", "fast", "--no-sync"]
        ])
        fs.appendFileSync(join(path, "postgresql.conf"), `port = ${port}\n`)
        return path
      }),
      (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
    )
    return yield* serverOf(bin, directory, port)
  })

/** Starts the server process and waits until it takes connections. */
const started = (bin: string, directory: string, port: number): Effect.Effect<ChildProcess> =>
  Effect.gen(function*() {
    const child = yield* Effect.sync(() => {
      const log = fs.openSync(join(directory, "log"), "a")
      const child = spawn(join(bin, "postgres"), ["-D", directory], {
        cwd: "/",
        env: { ...process.env, HOME: directory }, // Citus is a client too, and looks for files.
        stdio: ["ignore", log, log],
        ...identity
      })
      fs.closeSync(log)
      fs.writeFileSync(join(directory, "pid"), String(child.pid))
      return child
    })
    const isReady = Effect.sync(() =>
      spawnSync(join(bin, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]).status === 0
    )
    while (!(yield* isReady)) {
      if (child.exitCode !== null) {
        return yield* Effect.die(new Error(fs.readFileSync(join(directory, "log"), "utf8")))
      }
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 25)))
    }
    return child
  })
