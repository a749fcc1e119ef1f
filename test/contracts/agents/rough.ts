/**
 * An agent that does all that an agent should not, as its messages say.
 */
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { on } from "../../../src/Agent.ts"

/** Most messages are numbers and do nothing wrong. */
export const rough = on<string | number>("rough.*", async (what, { publish, signal }) => {
  switch (what) {
    case "loop":
      for (;;) Math.sqrt(2)
    case "exit":
      return process.exit(3)
    case "throw":
      setImmediate(() => {
        throw new Error("thrown in the air")
      })
      return sleep(60_000)
    case "forget":
      void Promise.reject(new Error("forgotten"))
      return sleep(5)
    case "leak": {
      // Many small ones: one large allocation at the limit ends the whole process (V8).
      let leak: unknown = undefined
      for (;;) leak = { leak }
    }
    case "hang":
      return sleep(3_600_000)
    case "slow":
      await publish("rough-begun", null)
      return sleep(300, undefined, { signal })
    default:
      return Number(what) % 3 === 0 ? undefined : sleep(Number(what) % 7)
  }
})
