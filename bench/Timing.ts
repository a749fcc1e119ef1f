/**
 * Timing: what a piece of work took of the clock and of the processor.
 */
import { readFile } from "node:fs/promises"
import type { Run, Values } from "./Workload.ts"

/** A clock tick of `/proc/<pid>/stat` in microseconds: Linux counts 100 a second. */
const tickMicros = 10_000

/** Runs `work`, which answers how many operations ended well; CPU is that of this process. */
export const timed = async (
  expected: number,
  work: () => Promise<number>,
  others: () => Values = () => ({})
): Promise<Run> => {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const count = await work()
  const seconds = (performance.now() - started) / 1_000
  const { system, user } = process.cpuUsage(cpu)
  return {
    count,
    expected,
    values: { perSecond: count / seconds, cpuMicros: (user + system) / count, ...others() }
  }
}

/** Microseconds of CPU that a process used so far; undefined where `/proc` is missing. */
export const cpuMicrosOf = async (pid: number | undefined): Promise<number | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")
  // The name of the program, in parentheses, may contain anything; the fields follow it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [user, system] = [fields[11], fields[12]]
  return user === undefined ? undefined : (Number(user) + Number(system)) * tickMicros
}

/** Resident bytes of a process; undefined where `/proc` is missing. */
export const residentBytesOf = async (pid: number | undefined): Promise<number | undefined> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
  const kib = /VmRSS:\s+(\d+)/.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) * 1_024
}
