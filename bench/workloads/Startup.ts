/**
 * Starting: how long until the first accepted publish, and how much memory an idle service takes.
 */
import { readFile } from "node:fs/promises"
import { startServer } from "../load/Server.ts"
import { median } from "../Measure.ts"

/** Medians over the rounds. */
export interface Startup {
  readonly firstAcceptMs: number
  /** Resident memory in MiB, a second after the first publish; undefined where /proc is missing. */
  readonly rssMib: number | undefined
}

/** Starts and stops the service `rounds` times, each on an empty directory. */
export const measureStartup = async (rounds: number): Promise<Startup> => {
  const measured: Array<{ firstAcceptMs: number; rssMib: number | undefined }> = []
  for (let round = 0; round < rounds; round++) {
    const server = await startServer()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    measured.push({
      firstAcceptMs: server.firstAcceptMs,
      rssMib: await residentMib(server.program.child.pid)
    })
    await server.stop()
  }
  const resident = measured.flatMap(({ rssMib }) => rssMib === undefined ? [] : [rssMib])
  return {
    firstAcceptMs: median(measured.map(({ firstAcceptMs }) => firstAcceptMs)),
    rssMib: resident.length === 0 ? undefined : median(resident)
  }
}

const residentMib = async (pid: number | undefined): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
  const kib = /VmRSS:\s+(\d+)/.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) / 1_024
}
