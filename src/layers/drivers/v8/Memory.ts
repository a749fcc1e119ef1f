/**
 * The memory of this process, as V8 manages it.
 */
import * as Effect from "effect/Effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/**
 * Gives back what starting left behind: source texts, and code that runs only once.
 *
 * V8 collects when it is short of space, which a program that now waits never is. Measured: 30 MiB
 * less resident memory for 60 ms, once. `gc` is the one way to ask, hence the flag.
 */
export const collectStartUp: Effect.Effect<void> = Effect.sync(() => {
  setFlagsFromString("--expose-gc")
  const gc: unknown = runInNewContext("gc")
  if (typeof gc === "function") gc({ type: "major", execution: "sync", flavor: "last-resort" })
})
