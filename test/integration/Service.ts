/**
 * The real service as a process of its own, for tests that kill it.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"

/** A running service. */
export interface Service {
  readonly url: string
  readonly process: ChildProcess
}

const root = join(import.meta.dirname, "..", "..")

/** A folder below `.run` that is removed with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    mkdirSync(join(root, ".run"), { recursive: true })
    return mkdtempSync(join(root, ".run", "test-"))
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Starts the service on free ports and waits until it says where it listens. */
export const start = (
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
  wrapper: ReadonlyArray<string> = []
): Effect.Effect<Service, Error> =>
  Effect.callback((resume) => {
    const [command = process.execPath, ...args] = [
      ...wrapper,
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      join(root, "src", "main.ts"),
      "serve"
    ]
    const child = spawn(command, args, {
      env: { ...process.env, PORT: "0", METRICS_PORT: "0", DATA_DIR: dataDir, ...settings },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const said: Array<string> = []
    const listen = (chunk: Buffer): void => {
      said.push(chunk.toString())
      const url = /serving on (http:\/\/\S+),/.exec(said.join(""))?.[1]
      if (url !== undefined) resume(Effect.succeed({ url, process: child }))
    }
    child.stdout.on("data", listen)
    child.stderr.on("data", listen)
    child.once("exit", (code, signal) => {
      resume(Effect.fail(new Error(`the service ended with ${code ?? signal}: ${said.join("")}`)))
    })
  })

/** Sends a signal and waits for the end; gives the exit code, or the signal. */
export const stop = (
  service: Service,
  signal: NodeJS.Signals
): Effect.Effect<number | NodeJS.Signals> =>
  Effect.callback((resume) => {
    const { process: child } = service
    if (child.exitCode !== null || child.signalCode !== null) {
      return resume(Effect.succeed(child.exitCode ?? child.signalCode ?? 0))
    }
    child.once("exit", (code, by) => resume(Effect.succeed(code ?? by ?? 0)))
    child.kill(signal)
  })

/** A request with a JSON body; fails when there is no answer. */
export const call = (
  url: string,
  method: string,
  body: unknown
): Effect.Effect<{ readonly status: number; readonly body: any }, Error> =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, {
        method,
        signal,
        ...(body === undefined
          ? {}
          : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
      })
      const text = await response.text()
      return { status: response.status, body: text === "" ? undefined : JSON.parse(text) }
    },
    catch: (error) => error instanceof Error ? error : new Error(String(error))
  })
