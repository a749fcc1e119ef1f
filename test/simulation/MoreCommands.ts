/**
 * The commands that were added after the first seeds were kept.
 */
import type { Draft } from "../../src/domain/Message.ts"
import { draft, options } from "../layers/bus/Drafts.ts"
import { type Mix, names, patterns, topics } from "./Commands.ts"
import { filters } from "./Filters.ts"
import { create } from "./FirstCommands.ts"
import type { MoreAction } from "./MoreActions.ts"
import type { SeededRandom } from "./SeededRandom.ts"

type Choice = readonly [weight: number, draw: () => MoreAction]

/** Draws one of them. */
export const moreAction = (random: SeededRandom, _mix: Mix, at: number): MoreAction => {
  const name = random.pick(names)
  const choices: ReadonlyArray<Choice> = [
    [3, () => ({ kind: "attachFates", name, badness: random.pick([0.3, 0.8]) })],
    [1, () => ({ kind: "attachSlow", name })],
    [2, () => ({ kind: "release", name })],
    [3, () => ({ kind: "dropParked", name })],
    [3, () => ({
      kind: "request",
      draft: draft(random.pick(topics), 30_000 + at, { key: random.pick([undefined, "k1"]) }),
      timeoutMs: random.pick([20, 300, 3_000])
    })],
    [6, () => ({ kind: "publish", drafts: delayedDrafts(random, at) })],
    [5, () => special(random)],
    [3, () => ({ kind: "publishEach", drafts: repeats(random) })],
    [5, () => follow(random)],
    [6, () => ({ kind: "readTail", who: random.between(0, 2), count: random.pick([1, 7, 256]) })],
    [2, () => ({ kind: "unfollow", who: random.between(0, 2) })],
    [4, () => ({ kind: "setCount", count: random.pick([2, 3, 4, 5, 3, 4, 16]) })],
    [2, () => ({ kind: "dropShard", share: random.next() })],
    [1, () => ({ kind: "rebalance" })],
    [1, () => ({ kind: "setEachWorkers", count: random.pick([2, 3, 8]) })],
    [2, () => ({ kind: "setWorkers", count: random.pick([2, 3, 8]), share: random.next() })],
    [1.5, () => ({ kind: "pauseShard", share: random.next() })],
    [2.5, () => ({ kind: "resumeShard", share: random.next() })]
  ]
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  let left = random.next() * total
  const [, draw] = choices.find(([weight]) => (left -= weight) < 0) ?? choices[0] ?? [0, undefined]
  if (draw === undefined) throw new Error("there are commands to choose from")
  return draw()
}

/** A subscription with options that the first seeds do not have. */
const special = (random: SeededRandom): MoreAction => {
  const { kind, name, options: chosen } = create(random)
  const filter = random.pick([undefined, ...filters])
  const maxAgeMs = random.pick([undefined, undefined, 300, 5_000])
  const aged = maxAgeMs === undefined ? chosen : { ...chosen, maxAgeMs }
  return { kind, name, options: filter === undefined ? aged : { ...aged, filter } }
}

/** A message or two for later. Payloads above 10,000 are theirs alone. */
const delayedDrafts = (random: SeededRandom, at: number): ReadonlyArray<Draft> =>
  Array.from({ length: random.pick([1, 1, 3]) }, (_, index) => {
    const deliverAt = random.pick([-5, 1, 40, 700, 4_000])
    return draft(random.pick(topics), 10_000 + at * 100 + index, {
      priority: random.pick([0, 9]),
      key: random.pick([undefined, "k1", "k2"]),
      deliverAt: random.chance(0.8) ? deliverAt : undefined,
      expiresAt: random.chance(0.2) ? deliverAt + random.between(6, 900) : undefined
    })
  })

/** The same message twice or three times, or another one under its key. */
const repeats = (random: SeededRandom): ReadonlyArray<Draft> => {
  const idempotencyKey = `r${random.between(0, 1)}`
  return Array.from(
    { length: random.between(1, 3) },
    () => draft("a.x", random.pick(["one", "one", "other"]), { key: "k1", idempotencyKey })
  )
}

const follow = (random: SeededRandom): MoreAction => ({
  kind: "follow",
  who: random.between(0, 2),
  topic: random.pick(patterns),
  filter: random.pick([undefined, undefined, ...filters]),
  from: random.pick(["now", "earliest"]),
  isAnew: random.chance(0.3)
})

/** Two handlers of the same messages, of which one is slow; and so many that it falls behind. */
export const slowBesideFast = (random: SeededRandom): ReadonlyArray<MoreAction> => [
  { kind: "create", name: "s0", options: options(">", { ordering: "topic", maxAttempts: 4 }) },
  { kind: "create", name: "s1", options: options(">", { maxAttempts: 4 }) },
  { kind: "attachSlow", name: "s0" },
  { kind: "attach", name: "s1", badness: 0 },
  ...Array.from({ length: random.between(2, 6) }, (_, burst): MoreAction => ({
    kind: "publish",
    drafts: Array.from(
      { length: random.pick([2, 4, 12]) },
      (_, index) => draft("a.x", 20_000 + burst * 100 + index, { priority: random.pick([0, 9]) })
    )
  }))
]
