/**
 * The machine: what defaults depend on.
 */
import * as Effect from "effect/Effect"
import { availableParallelism, networkInterfaces, totalmem } from "node:os"
import process from "node:process"

/** What is known about the machine. */
export interface Machine {
  /** Memory that this process may use: of the machine, or of its container when that is less. */
  readonly memoryBytes: number
  /** Threads that it runs at once, as far as this process may use them. */
  readonly cores: number
}

/** An address of this machine that others reach it by; its own when it has no network. */
export const reachableAddress = (): string =>
  Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1"

/** The machine that this process runs on. */
export const machine: Effect.Effect<Machine> = Effect.sync(() => {
  // 0 or an absurdly high number when no limit is set (a property of cgroups).
  const limit = process.constrainedMemory()
  const total = totalmem()
  return {
    memoryBytes: limit > 0 && limit < total ? limit : total,
    cores: availableParallelism()
  }
})
