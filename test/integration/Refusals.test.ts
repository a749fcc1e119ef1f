/**
 * What a service says when it cannot start: one line with a remedy, and an exit code.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Result } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { mounted } from "./Namespace.ts"
import { onFreePorts, runToEnd, serve, start, stop, temporaryFolder } from "./Service.ts"

/** What a refusal is: its exit code, the tag of its error, and what its line says. */
interface Refusal {
  readonly code: number
  readonly error: string
  readonly says: ReadonlyArray<string>
}

type Env = Readonly<Record<string, string>>

/** Starts a service that must refuse, and looks at what it says. */
const refuses = (settings: Env, wanted: Refusal, command = serve) =>
  Effect.gen(function*() {
    const { code, err, out } = yield* runToEnd(command, settings)
    assert.strictEqual(code, wanted.code, err)
    assert.strictEqual(out, "")
    assert.match(err, /^codefactory: [^\n{]+\n$/, "one line, no dump of fields")
    for (const phrase of wanted.says) assert.include(err, phrase)
    return err
  })

/** The same refusal also as JSON. */
const refusesInJson = (settings: Env, wanted: Refusal) =>
  Effect.gen(function*() {
    const plain = yield* refuses(settings, wanted)
    const { code, err } = yield* runToEnd([...serve, "--json"], settings)
    assert.strictEqual(code, wanted.code)
    assert.deepStrictEqual(JSON.parse(err), {
      error: wanted.error,
      message: plain.slice("codefactory: ".length, -1),
      exitCode: wanted.code
    })
  })

const unopened = (...says: ReadonlyArray<string>) => ({ code: 74, error: "LogUnopened", says })

/** A port that is taken until the scope closes. */
const takenPort = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(Effect.map((server) => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}))

describe("a service that cannot start", () => {
  it.live("refuses a DATA_DIR that another process uses, and takes it once that one is gone", () =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      const first = yield* start(dataDir)
      yield* refuses(
        onFreePorts(dataDir),
        unopened("(Locked)", dataDir, "another process uses it", "choose another DATA_DIR")
      )
      yield* stop(first, "SIGKILL")
      const second = yield* start(dataDir)
      assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
    }))

  it.live("refuses a file where its directory should be, and leaves it alone", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryFolder, "data")
      writeFileSync(file, "a letter")
      yield* refusesInJson(
        onFreePorts(file),
        unopened("(Damaged)", `${file} is a file`, "move it away")
      )
      yield* refuses(onFreePorts(join(file, "below")), unopened("ENOTDIR", "move it away"))
      assert.strictEqual(readFileSync(file, "utf8"), "a letter")
    }))

  it.live("refuses a log that is garbage, and leaves it alone", () =>
    Effect.gen(function*() {
      const dataDir = join(yield* temporaryFolder, "data")
      const garbage = "not a database ".repeat(5_000)
      mkdirSync(dataDir)
      writeFileSync(join(dataDir, "log.db"), garbage)
      yield* refuses(onFreePorts(dataDir), unopened("(Damaged)", "log.db", "not a database"))
      assert.strictEqual(readFileSync(join(dataDir, "log.db"), "utf8"), garbage)
    }))

  it.live("refuses a log that a newer version wrote, and a database of another program", () =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      assert.strictEqual(yield* stop(yield* start(dataDir), "SIGTERM"), 0)
      pragma(dataDir, "user_version = 99")
      yield* refuses(
        onFreePorts(dataDir),
        unopened("(Newer)", "format 99", "run the version that wrote it, or a later one")
      )
      pragma(dataDir, "application_id = 1")
      yield* refuses(onFreePorts(dataDir), unopened("(Damaged)", "a database of another program"))
    }))

  it.live("refuses a directory it may not write to", (context) =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      const mount = yield* Effect.result(mounted(dataDir, "ro"))
      if (Result.isFailure(mount)) return context.skip(`nothing can be mounted: ${mount.failure}`)
      yield* refuses(
        onFreePorts(dataDir),
        unopened("(ReadOnly)", dataDir, "make the directory writable"),
        mount.success.inside(serve)
      )
    }))

  it.live("refuses ports that are taken, and says which setting to change", () =>
    Effect.gen(function*() {
      const settings = onFreePorts(yield* temporaryFolder)
      const port = String(yield* takenPort)
      for (const setting of ["PORT", "METRICS_PORT"]) {
        yield* refusesInJson({ ...settings, [setting]: port }, {
          code: 71,
          error: "EdgeUnbound",
          says: [`127.0.0.1:${port}`, "EADDRINUSE", `set ${setting} to another port`]
        })
      }
    }))

  it.live("behaviour 79: names all illegal settings at once, exit code 78, in under 2 s", () =>
    Effect.gen(function*() {
      const settings = { MESSAGE_BUS_SHARD_COUNT: "17", PORT: "http", ENABLE_KAFKA: "1" }
      const timed = (command: ReadonlyArray<string>) => Effect.timed(runToEnd(command, settings))
      const runs = yield* Effect.forEach([1, 2, 3], () => timed([...serve, "--json"]))
      for (const [, { code, err, out }] of runs) {
        assert.strictEqual(code, 78)
        assert.strictEqual(out, "")
        const names = JSON.parse(err).issues.map(({ name }: { readonly name: string }) => name)
        assert.includeMembers(names, [...Object.keys(settings), "KAFKA_BROKERS"])
      }
      // The limit is for a machine that starts a bare Node in 100 ms; this one may be busy.
      const bare = yield* Effect.forEach([1, 2, 3], () => timed([process.execPath, "--eval", "0"]))
      assert.isBelow(best(runs), 2_000 * Math.max(1, best(bare) / 100))
    }))
})

/** Milliseconds of the fastest run. */
const best = (runs: ReadonlyArray<readonly [Duration.Duration, unknown]>): number =>
  Math.min(...runs.map(([took]) => Duration.toMillis(took)))

/** In a process of its own, because a test runner's bundler need not know `node:sqlite`. */
const pragma = (dataDir: string, assignment: string): void => {
  const script = "new (require('node:sqlite').DatabaseSync)(process.argv[1])" +
    ".exec(`PRAGMA ${process.argv[2]}`)"
  const file = join(dataDir, "log.db")
  execFileSync(process.execPath, ["--no-warnings", "--eval", script, file, assignment])
}
