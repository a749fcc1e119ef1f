/** Programs as processes of their own: output, exit code, signals. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import process from "node:process"

/** How a process ended; `code` is `null` when signal `signal` ended it. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

/** A running process; it is killed with the scope. */
export interface Spawned {
  readonly kill: (signal: NodeJS.Signals) => void
  /** Waits until standard output holds `text`. */
  readonly said: (text: string) => Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
  /** Closes the reading end of standard output, as `| head` does. */
  readonly hangUp: () => void
}

/** Variables that settings are read from, without those of whoever runs the tests. */
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    !/^(MESSAGE_BUS_|ENABLE_|CODEFACTORY_|npm_|PORT$|METRICS_PORT$|HOST$)/.test(name)
  )
)

/** Starts Node with `args`. */
export const node = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...clean, ...env }
      })
      const listeners = new Set<() => void>()
      const text = { out: "", err: "" }
      const append = (stream: "out" | "err") => (chunk: Buffer) => {
        text[stream] += chunk.toString()
        for (const listener of listeners) listener()
      }
      child.stdout.on("data", append("out"))
      child.stderr.on("data", append("err"))
      const end = new Promise<Ended>((resolve) =>
        child.on("close", (code, signal) => resolve({ code, signal, ...text }))
      )
      return {
        child,
        kill: (signal) => void child.kill(signal),
        said: (wanted) =>
          Effect.callback<void>((resume) => {
            const look = () => {
              if (!text.out.includes(wanted)) return
              listeners.delete(look)
              resume(Effect.void)
            }
            listeners.add(look)
            look()
          }),
        ended: Effect.promise(() => end),
        hangUp: () => void child.stdout.destroy()
      } satisfies Spawned & { child: unknown }
    }),
    ({ child, ended }) => Effect.andThen(Effect.sync(() => void child.kill("SIGKILL")), ended)
  )
