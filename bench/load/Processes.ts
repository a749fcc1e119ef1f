/**
 * The processes of the benchmark: servers under test and the load generator.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import type { Plan, Result } from "./Plan.ts"

/** The root of the repository. */
export const root = join(import.meta.dirname, "..", "..")

/** A running program, its standard output by lines. */
export interface Program {
  readonly child: ChildProcess
  readonly lines: Interface
  /** Ends it with SIGTERM and waits. */
  readonly stop: () => Promise<void>
}

/** Starts a script of the repository under this Node. */
export const start = (
  script: string,
  args: ReadonlyArray<string> = [],
  env: Readonly<Record<string, string>> = {}
): Program => {
  const child = spawn(process.execPath, [join(root, script), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"]
  })
  const ended = once(child, "exit")
  return {
    child,
    lines: createInterface({ input: child.stdout }),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM")
      await ended
    }
  }
}

/** The next line that a program prints. */
export const nextLine = async (program: Program): Promise<string> => {
  const [line] = await once(program.lines, "line")
  return String(line)
}

/** Lets the generator carry out one plan. */
export const load = async (generator: Program, plan: Plan): Promise<Result> => {
  const answer = nextLine(generator)
  generator.child.stdin?.write(`${JSON.stringify(plan)}\n`)
  return JSON.parse(await answer)
}

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
