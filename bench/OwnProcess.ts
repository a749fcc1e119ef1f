/**
 * A contender in a process of its own: neither its garbage nor its compiled code is another's.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { profiling, root } from "./load/Processes.ts"
import type { Contender, Opened, Run, Workload } from "./Workload.ts"

/** What a process is told. */
export type Order = "run" | "close"

/** Opens a contender in a new process. */
export const inOwnProcess = async (workload: Workload, { name }: Contender): Promise<Opened> => {
  const child = fork(join(root, "bench", "contender.ts"), [workload.name, name], {
    cwd: root,
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning", ...profiling()]
  })
  const exited = once(child, "exit")
  const answer = async (): Promise<unknown> => {
    const message = once(child, "message").then(([first]): unknown => first)
    const early = exited.then(() => {
      throw new Error(`${workload.name}, ${name}: its process ended`)
    })
    return await Promise.race([message, early])
  }
  const order = (what: Order) => child.send(what)
  await answer()
  return {
    run: async () => {
      const run = answer()
      order("run")
      return await run as Run
    },
    close: async () => {
      if (child.connected) order("close")
      await exited
    }
  }
}
