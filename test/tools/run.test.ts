import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { fileURLToPath } from "node:url"
import { node } from "../layers/cli/Spawned.ts"

const bootstrap = fileURLToPath(new URL("../../tools/run.mjs", import.meta.url))

/** Where tests keep what they write; ignored by git. */
const runDirectory = fileURLToPath(new URL("../../.run", import.meta.url))

/** Stands for npm: notes that it ran, takes a moment, installs nothing, fails when told to. */
const npm = `
import { appendFileSync, mkdirSync } from "node:fs"
appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n")
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
if (process.env.NPM_FAILS === "1") {
  console.error("npm error getaddrinfo ENOTFOUND")
  process.exit(1)
}
mkdirSync("node_modules", { recursive: true })
`

const script = `
process.on("SIGTERM", () => process.exit(7))
console.log("ran", ...process.argv.slice(2))
if (process.argv[2] === "wait") setInterval(() => {}, 1_000)
else if (process.argv[2] === "kill") process.kill(process.pid, "SIGKILL")
else process.exitCode = Number(process.argv[2])
`

const lockFile = (version: string) =>
  JSON.stringify({ packages: { "": {}, "node_modules/a": { version } } })

/** A fresh clone with the real bootstrap, a fake npm and a script. */
const clone = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(runDirectory, { recursive: true })
  const root = yield* files.makeTempDirectoryScoped({ directory: runDirectory })
  yield* files.makeDirectory(`${root}/tools`)
  yield* files.copyFile(bootstrap, `${root}/tools/run.mjs`)
  const write = (name: string, text: string) => files.writeFileString(`${root}/${name}`, text)
  yield* write("package.json", "{ \"type\": \"module\" }")
  yield* write("package-lock.json", lockFile("1.0.0"))
  yield* write("npm.js", npm)
  yield* write("script.ts", script)
  const start = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    node([`${root}/tools/run.mjs`, "script.ts", ...args], {
      npm_execpath: `${root}/npm.js`,
      ...env
    })
  const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    Effect.flatMap(start(args, env), ({ ended }) => ended)
  const installs = Effect.map(
    Effect.orElseSucceed(files.readFileString(`${root}/npm.log`), () => ""),
    (log) => log.split("\n").filter((line) => line !== "").length
  )
  return { files, root, write, start, run, installs }
})

describe("the bootstrap", () => {
  it.live("installs once, again when the lock file changed, and runs the script", () =>
    Effect.gen(function*() {
      const { installs, run, write } = yield* clone
      const first = yield* run(["3", "b c"])
      assert.strictEqual(first.code, 3)
      assert.strictEqual(first.out, "ran 3 b c\n")
      assert.include(first.err, "Installing dependencies")
      const second = yield* run(["0"])
      assert.strictEqual(second.code, 0)
      assert.strictEqual(second.err, "")
      assert.strictEqual(yield* installs, 1)
      yield* write("package-lock.json", lockFile("2.0.0"))
      yield* run(["0"])
      assert.strictEqual(yield* installs, 2)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("leaves alone what npm has installed by hand", () =>
    Effect.gen(function*() {
      const { files, installs, root, run, write } = yield* clone
      yield* files.makeDirectory(`${root}/node_modules`)
      yield* write("node_modules/.package-lock.json", lockFile("1.0.0"))
      yield* run(["0"])
      assert.strictEqual(yield* installs, 0)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("two at once install once", () =>
    Effect.gen(function*() {
      const { installs, run } = yield* clone
      const runs = yield* Effect.all([run(["0"]), run(["0"])], { concurrency: 2 })
      assert.deepStrictEqual(runs.map(({ code }) => code), [0, 0])
      assert.strictEqual(yield* installs, 1)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("takes over the lock of a bootstrap that was killed", () =>
    Effect.gen(function*() {
      const { files, root, run, write } = yield* clone
      yield* files.makeDirectory(`${root}/.run`)
      yield* write(".run/bootstrap.lock", "999999999")
      assert.strictEqual((yield* run(["0"])).code, 0)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("says what is missing when nothing can be installed, with exit code 69", () =>
    Effect.gen(function*() {
      const { installs, run } = yield* clone
      const offline = yield* run(["0"], { NPM_FAILS: "1" })
      assert.strictEqual(offline.code, 69)
      assert.include(offline.err, "ENOTFOUND")
      assert.include(offline.err, "Is the package registry reachable?")
      assert.strictEqual((yield* run(["0"])).code, 0)
      assert.strictEqual(yield* installs, 2)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("hands signals on to the script, and its end by a signal to the shell", () =>
    Effect.gen(function*() {
      const { run, start } = yield* clone
      const waiting = yield* start(["wait"])
      yield* waiting.said("ran wait")
      waiting.kill("SIGTERM")
      assert.strictEqual((yield* waiting.ended).code, 7)
      assert.strictEqual((yield* run(["kill"])).code, 128 + 9)
    }).pipe(Effect.provide(NodeServices.layer)))
})
