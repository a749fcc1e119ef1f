/**
 * The real service as a process of its own, for tests that kill, refuse or starve it.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"

/** A running service. `said` is what it has written so far. */
export interface Service {
  readonly url: string
  readonly metricsUrl: string
  readonly process: ChildProcess
  readonly said: () => string
}

/** How a process ended: its exit code, or the signal that ended it, and its two outputs. */
export interface Ended {
  readonly code: number | NodeJS.Signals
  readonly out: string
  readonly err: string
}

/** The repository. */
export const root = join(import.meta.dirname, "..", "..")

const main = join(root, "src", "main.ts")

/** How the service is started on the machine itself. */
export const serve: ReadonlyArray<string> = [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  main,
  "serve"
]

/** A folder below `.run` that is removed with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    mkdirSync(join(root, ".run"), { recursive: true })
    return mkdtempSync(join(root, ".run", "test-"))
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** A process and what it has said; `grouped` gives it a process group of its own. */
interface Launched {
  readonly child: ChildProcess
  readonly text: { out: string; err: string }
}

/** Starts a command; what still runs when the scope closes is killed. */
export const launch = (
  command: ReadonlyArray<string>,
  settings: Readonly<Record<string, string>>,
  grouped = false
): Effect.Effect<Launched, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const [file = "", ...args] = command
      const child = spawn(file, args, {
        cwd: root,
        env: { ...process.env, ...settings },
        stdio: ["ignore", "pipe", "pipe"],
        detached: grouped
      })
      const text = { out: "", err: "" }
      child.stdout.on("data", (chunk: Buffer) => text.out += chunk.toString())
      child.stderr.on("data", (chunk: Buffer) => text.err += chunk.toString())
      return { child, text }
    }),
    ({ child }) => {
      const ended = endOf(child)
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
      return ended
    }
  )

/** Waits until a process has ended and its outputs are closed. */
export const endOf = (child: ChildProcess): Effect.Effect<number | NodeJS.Signals> =>
  Effect.callback((resume) => {
    const give = () => resume(Effect.succeed(child.exitCode ?? child.signalCode ?? 0))
    const isOver = child.exitCode !== null || child.signalCode !== null
    if (isOver && child.stdout?.closed !== false && child.stderr?.closed !== false) give()
    else child.once("close", give)
  })

/** Runs a command to its end. */
export const runToEnd = (
  command: ReadonlyArray<string>,
  settings: Readonly<Record<string, string>> = {}
): Effect.Effect<Ended> =>
  Effect.scoped(Effect.gen(function*() {
    const { child, text } = yield* launch(command, settings)
    const code = yield* endOf(child)
    return { code, ...text }
  }))

/** The settings of a service on free ports; tests publish as much as they like. */
export const onFreePorts = (dataDir: string) => ({
  PORT: "0",
  METRICS_PORT: "0",
  DATA_DIR: dataDir,
  RATE_LIMIT_MAX_REQUESTS: "0"
})

/** Starts the service on free ports and waits until it says where it listens. */
export const start = (
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
  command: ReadonlyArray<string> = serve,
  grouped = false
): Effect.Effect<Service, Error, Scope.Scope> =>
  Effect.gen(function*() {
    const { child, text } = yield* launch(
      command,
      { ...onFreePorts(dataDir), ...settings },
      grouped
    )
    const said = () => `${text.out}${text.err}`
    const listening = Effect.callback<Service, Error>((resume) => {
      const look = () => {
        const [, url, metricsUrl] = /serving on (\S+), metrics on (\S+)\/metrics/.exec(said()) ?? []
        if (url === undefined || metricsUrl === undefined) return
        resume(Effect.succeed({ url, metricsUrl, process: child, said }))
      }
      child.stdout?.on("data", look)
      child.once("close", (code, signal) =>
        resume(Effect.fail(new Error(`the service ended with ${code ?? signal}: ${said()}`))))
    })
    return yield* listening
  })

/** Sends a signal and waits for the end; gives the exit code, or the signal. */
export const stop = (
  service: Service,
  signal: NodeJS.Signals
): Effect.Effect<number | NodeJS.Signals> =>
  Effect.suspend(() => {
    service.process.kill(signal)
    return endOf(service.process)
  })

/** An answer; its body is parsed. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

/** What these tests read of bodies. Each has some of it; an assertion on the rest fails. */
export interface Body {
  readonly id: string
  readonly durability: string
  readonly status: string
  readonly degraded: ReadonlyArray<string>
  readonly results: ReadonlyArray<{ readonly id: string }>
  readonly pending: number
  readonly agents: {
    readonly loading: ReadonlyArray<string>
    readonly loaded: ReadonlyArray<
      { readonly agent: string; readonly subscriptions: ReadonlyArray<string> }
    >
    readonly failed: ReadonlyArray<{ readonly agent: string; readonly reason: string }>
  }
  readonly deadLetters: ReadonlyArray<
    { readonly id: string; readonly attempts: number; readonly error: string }
  >
  readonly replayed: number
  readonly acked: number
  readonly decisions: ReadonlyArray<{ readonly subject: string; readonly outcome: string }>
  readonly shards: ReadonlyArray<{ readonly state: string }>
  readonly pods: ReadonlyArray<
    { readonly address: string; readonly snapshot: { readonly state: string } }
  >
  readonly done: number
  readonly deliveries: ReadonlyArray<{
    readonly ackId: string
    readonly message: {
      readonly id: string
      readonly payload: number
      readonly headers: Readonly<Record<string, string>>
    }
  }>
  readonly payload: number
}

/** A request with a JSON body; fails when there is no answer. */
export const call = (
  url: string,
  method: string,
  body?: unknown
): Effect.Effect<Answer, Error> =>
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
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? undefined : JSON.parse(text)
      }
    },
    catch: (error) => error instanceof Error ? error : new Error(String(error))
  })
