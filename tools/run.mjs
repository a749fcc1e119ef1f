/**
 * The bootstrap: `node tools/run.mjs <script.ts> [arguments...]`.
 *
 * Runs on the machine's own Node (20 or newer) without dependencies: installs what is missing or
 * changed, then runs the script under Node 24. Exit codes: those of the script, 128 + n when signal
 * n ended it, 69 when something is missing that it cannot install.
 */
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, dirname, join, resolve } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, "node_modules")
const stamp = join(modules, ".codefactory-lock")
const lock = join(root, ".run", "bootstrap.lock")

/** The program is written for this release of Node and runs its TypeScript unbuilt. */
const nodeMajor = 24

/**
 * Where Node keeps compiled code, which halves the time to start; and, as the TypeScript compiler
 * need not be loaded, saves 40 MiB. Beside what it was compiled from; where nothing can be written,
 * Node does without.
 */
const compiled = join(modules, ".cache", "codefactory")

/** EX_UNAVAILABLE of sysexits.h. */
const exitUnavailable = 69

/** How long another bootstrap of this directory is waited for, in milliseconds. */
const lockWaitMax = 600_000

/** Installs what is missing or changed, then runs `script`; never returns. */
export const run = async (script, args) => {
  if (existsSync(join(root, "package-lock.json"))) await install()
  const node = Number.parseInt(process.versions.node, 10) >= nodeMajor
    ? process.execPath
    : join(modules, ".bin", "node")
  if (!existsSync(node)) {
    fail(
      `Node ${nodeMajor} is needed and this is Node ${process.versions.node}. The dependencies ` +
        `bring it for Linux on x64 and arm64; elsewhere install Node ${nodeMajor} and try again.`
    )
  }
  const path = `${join(modules, ".bin")}${delimiter}${process.env.PATH ?? ""}`
  const child = spawn(node, [
    "--disable-warning=ExperimentalWarning",
    resolve(root, script),
    ...args
  ], {
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: path }
  })
  forwardSignals(child)
  child.on("error", (error) => fail(`${node} does not start: ${error.message}`))
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal])
  })
}

/**
 * Hands signals on, every one of them.
 *
 * A terminal sends Ctrl-C and its hang-up to the whole group, so the script has them already; it
 * would take the same Ctrl-C twice for impatience.
 */
const forwardSignals = (child) => {
  const fromTerminal = process.stdin.isTTY === true
  process.on("SIGTERM", () => child.kill("SIGTERM"))
  for (const signal of ["SIGINT", "SIGHUP"]) {
    process.on(signal, () => fromTerminal || child.kill(signal))
  }
}

/** Makes `node_modules` match the lock file; at most one process does so at a time. */
const install = async () => {
  const wanted = digest()
  if (isStamped(wanted)) return
  await takeLock()
  try {
    if (isStamped(wanted)) return // Another bootstrap did it meanwhile.
    if (!isInstalled()) npmInstall()
    writeFileSync(stamp, wanted)
  } finally {
    rmSync(lock, { force: true })
    holdsLock = false
  }
}

const digest = () =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(readFileSync(join(root, "package.json")))
    .digest("hex")

const isStamped = (wanted) => existsSync(stamp) && readFileSync(stamp, "utf8") === wanted

/** Whether somebody ran npm already: what npm noted about `node_modules` equals the lock file. */
const isInstalled = () => {
  const noted = join(modules, ".package-lock.json")
  if (!existsSync(noted)) return false
  const packages = (file) => JSON.parse(readFileSync(file, "utf8")).packages ?? {}
  const wanted = packages(join(root, "package-lock.json"))
  const present = packages(noted)
  const same = (path) => present[path]?.version === wanted[path]?.version
  const absent = (path) => present[path] === undefined && wanted[path].optional === true
  return Object.keys(present).every(same) &&
    Object.keys(wanted).every((path) => path === "" || same(path) || absent(path))
}

const npmInstall = () => {
  process.stderr.write("Installing dependencies (npm ci), once...\n")
  rmSync(stamp, { force: true })
  const first = npm(["ci"])
  if (first.status === 0) return
  // npm ci also refuses a lock file without the optional packages of other platforms, which not
  // every registry carries. Then npm install takes the same versions and hashes from that file.
  const second = `${first.stderr}`.includes("EUSAGE") ? npm(["install", "--no-save"]) : first
  if (second.status === 0) return
  process.stderr.write(`${second.stdout}${second.stderr}`)
  fail("the dependencies cannot be installed (see above). Is the package registry reachable?")
}

const npm = (command) => {
  // npm names itself to what it runs; that one is used rather than another on the PATH.
  const self = process.env.npm_execpath
  const [file, first] = self !== undefined && /\.c?js$/.test(self)
    ? [process.execPath, [self]]
    : ["npm", []]
  // Its own errors are needed, also below an npm that was told to be silent.
  const quiet = ["--loglevel=error", "--no-audit", "--no-fund"]
  const args = [...first, ...command, "--include=dev", ...quiet]
  const done = spawnSync(file, args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1_048_576 })
  if (done.error !== undefined) fail(`npm does not start: ${done.error.message}`)
  return done
}

let holdsLock = false

/** Waits for the lock; one whose process is gone is taken over. */
const takeLock = async () => {
  mkdirSync(dirname(lock), { recursive: true })
  for (let waited = 0; !tryLock(); waited += 200) {
    if (waited >= lockWaitMax) fail(`another bootstrap runs; if not, delete ${lock}`)
    if (waited === 0) process.stderr.write("Waiting for another bootstrap...\n")
    await new Promise((wake) => setTimeout(wake, 200))
  }
}

const tryLock = () => {
  try {
    writeFileSync(lock, `${process.pid}`, { flag: "wx" })
    holdsLock = true
    return true
  } catch (error) {
    if (error.code !== "EEXIST") throw error
    if (!holderRuns()) rmSync(lock, { force: true })
    return false
  }
}

const holderRuns = () => {
  try {
    const holder = Number(readFileSync(lock, "utf8"))
    // Between its creation and its first byte the file is empty: then its holder is just starting.
    if (holder > 0) process.kill(holder, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

const fail = (message) => {
  if (holdsLock) rmSync(lock, { force: true })
  process.stderr.write(`codefactory: ${message}\n`)
  process.exit(exitUnavailable)
}

const [, entry, script, ...args] = process.argv
if (realpathSync(entry) === fileURLToPath(import.meta.url)) {
  if (script === undefined) {
    process.stderr.write("usage: node tools/run.mjs <script.ts> [arguments...]\n")
    process.exit(2)
  }
  await run(script, args)
}
