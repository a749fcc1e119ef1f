/**
 * An agent of the executor's contract: a typed topic, and a heavy part.
 */
import { Schema } from "effect"
import { on } from "../../../src/Agent.ts"
import * as TypedTopic from "../../../src/domain/TypedTopic.ts"

const placed = TypedTopic.make("orders.placed", Schema.Struct({ at: Schema.Date }))

/** Gets dates, not texts. */
export const dated = on(placed, async ({ at }, { publish }) => {
  await publish("dated", { isDate: at instanceof Date, year: at.getUTCFullYear() })
})

const made = { times: 0 }

/** Made once in each thread, but for the first try. */
export const heavy = on<{ fails: boolean }, { times: number }>(
  "orders.*",
  async (_payload, { publish }, model) => {
    await publish("model", model.times)
  },
  {
    name: "a-model",
    heavy: async () => {
      made.times++
      if (made.times === 1) throw new Error("no model yet")
      return { times: made.times }
    }
  }
)
