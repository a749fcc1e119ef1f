/**
 * Filters of simulated subscriptions, each beside what it means.
 */
import type { FilterSpec } from "../../src/domain/Filter.ts"
import type { Message } from "../../src/domain/Message.ts"

interface Meaning {
  readonly spec: FilterSpec
  readonly passes: (message: Message) => boolean
}

const meanings: readonly [Meaning, ...ReadonlyArray<Meaning>] = [
  { spec: { priority: { gte: 5 } }, passes: ({ priority }) => priority >= 5 },
  {
    spec: { key: { in: ["k1", "k2"] } },
    passes: ({ key }) => key === "k1" || key === "k2"
  },
  { spec: { key: { exists: false } }, passes: ({ key }) => key === undefined },
  {
    spec: { payload: { lt: 2_500 }, topic: { ne: "a.y" } },
    passes: ({ payload, topic }) => !payload.startsWith("\"") && +payload < 2_500 && topic !== "a.y"
  }
]

/** What they are. */
export const filters: ReadonlyArray<FilterSpec> = meanings.map(({ spec }) => spec)

/** Whether a message passes; without a filter each does. */
export const passesFilter = (filter: FilterSpec | undefined, message: Message): boolean =>
  filter === undefined ||
  (meanings.find(({ spec }) => JSON.stringify(spec) === JSON.stringify(filter))
    ?.passes(message) ?? false)
