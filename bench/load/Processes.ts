/**
 * The processes of the benchmark: servers under test and load generators.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import type { Listened, ListenPlan, Plan, Result } from "./Plan.ts"

/** The root of the repository. */
export const root = join(import.meta.dirname, "..", "..")

/** A running program, its standard output by lines. */
export interface Program {
  readonly child: ChildProcess
  readonly lines: Interface
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>
  /** Ends it with SIGTERM and waits. */
  readonly stop: () => Promise<void>
}

/** The variable that holds the directory for CPU profiles, when they are asked for. */
export const profileVariable = "BENCH_PROFILE_DIR"

/** What tells a Node to write a CPU profile at its end, when one is asked for. */
export const profiling = (): ReadonlyArray<string> => {
  const directory = process.env[profileVariable]
  return directory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${directory}`]
}

/** Starts a script of the repository under this Node. */
export const start = (
  script: string,
  args: ReadonlyArray<string> = [],
  env: Readonly<Record<string, string>> = {},
  nodeArgs: ReadonlyArray<string> = []
): Program => {
  const nodes = ["--disable-warning=ExperimentalWarning", ...nodeArgs]
  return startProgram(process.execPath, [...nodes, join(root, script), ...args], env)
}

/** Starts a script of the repository under Deno. */
export const startDeno = (
  script: string,
  args: ReadonlyArray<string> = [],
  env: Readonly<Record<string, string>> = {}
): Program => startProgram(denoPath, ["run", "--allow-all", join(root, script), ...args], env)

/** Deno as the dependencies of development bring it. */
export const denoPath = join(root, "node_modules", ".bin", "deno")

/** What runs now: nothing that was started outlives the benchmark, however that ends. */
const running = new Set<ChildProcess>()
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")))
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  process.on(signal, () => process.exit(code))
}

const startProgram = (
  program: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Program => {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"]
  })
  const ended = once(child, "exit").finally(() => running.delete(child))
  running.add(child)
  return {
    child,
    lines: createInterface({ input: child.stdout }),
    ended,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM")
      await ended
    }
  }
}

/** The next line that a program prints; rejects when it ends instead. */
export const nextLine = async ({ child, ended, lines }: Program): Promise<string> => {
  const line = once(lines, "line").then(([text]) => String(text))
  const early = ended.then(() => {
    throw new Error(`${child.spawnargs.join(" ")} ended without an answer`)
  })
  return await Promise.race([line, early])
}

const asked = new WeakMap<Program, Promise<unknown>>()

/**
 * Tells a program something as JSON, and waits for the line of JSON that it answers; one question
 * at a time.
 */
export const ask = async <A>(program: Program, question: unknown): Promise<A> => {
  const before = asked.get(program)
  const { promise, resolve } = Promise.withResolvers<void>()
  asked.set(program, promise)
  await before
  const answer = nextLine(program)
  program.child.stdin?.write(`${JSON.stringify(question)}\n`)
  return JSON.parse(await answer.finally(resolve))
}

/** Starts a generator. */
export const startGenerator = async (): Promise<Program> => start("bench/load/Generator.ts")

/** Lets a generator carry out one plan. */
export const load = (generator: Program, plan: Plan): Promise<Result> => ask(generator, plan)

/** Starts listeners. */
export const startListeners = async (): Promise<Program> => start("bench/load/Listeners.ts")

/** Lets listeners carry out one plan. */
export const listen = (listeners: Program, plan: ListenPlan): Promise<Listened> =>
  ask(listeners, plan)

/** A port of the loopback address that nobody uses now. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" ? address?.port ?? 0 : 0
  server.close()
  await once(server, "close")
  return port
}
