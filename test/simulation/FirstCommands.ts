/**
 * The commands that were there when the first seeds were kept. What is drawn here must not change,
 * or those seeds would mean something else; what is new is drawn in `MoreCommands.ts`.
 */
import type { Draft } from "../../src/domain/Message.ts"
import { draft, options } from "../layers/bus/Drafts.ts"
import {
  ackTimeoutMsMin,
  type Action,
  type Command,
  type Mix,
  names,
  patterns,
  topics
} from "./Commands.ts"
import { type SeededRandom, seededRandom } from "./SeededRandom.ts"

/** The commands of a seed. */
export const firstCommands = (seed: number, mix: Mix): ReadonlyArray<Command> => {
  const random = seededRandom(seed, "commands")
  const first: Command = { action: create(random), tasks: 1_000, ms: 0 }
  return [
    first,
    ...Array.from({ length: random.between(10, mix.count) }, (_, at): Command => ({
      action: actionOf(random, mix, at),
      tasks: random.chance(0.5) ? random.between(0, 30) : 500,
      ms: random.chance(0.5)
        ? 0
        : random.chance(0.8)
        ? random.between(1, 40)
        : random.between(100, 2_500)
    }))
  ]
}

const actionOf = (random: SeededRandom, mix: Mix, at: number): Action => {
  const name = random.pick(names)
  const share = random.pick([0.3, 0.6, 1])
  const choices: ReadonlyArray<readonly [number, () => Action]> = [
    [30, () => ({ kind: "publish", drafts: draftsOf(random, at) })],
    [9, () => create(random)],
    [2, () => ({ kind: "delete", name })],
    [9, () => ({ kind: "attach", name, badness: random.pick([0, 0.3, 0.3, 0.8]) })],
    [4, () => ({ kind: "detach", name })],
    [
      14,
      () => ({
        kind: "pull",
        name,
        max: random.pick([1, 3, 20]),
        waitMs: random.pick([0, 0, 50, 1_500])
      })
    ],
    [9, () => ({ kind: "ack", name, share, delayMs: 0 })],
    [6, () => ({ kind: "nack", name, share, delayMs: random.pick([-1, 0, 20, 700]) })],
    [3, () => ({ kind: "extend", name, share, delayMs: random.pick([0, 500, 3_000]) })],
    [5, () => ({ kind: "replay", name, share })],
    [2, () => ({ kind: "dryRun", name, share })],
    [3, () => ({ kind: "deleteLetters", name, share })],
    ...(mix.crashes ? faults(random) : [])
  ]
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  let left = random.next() * total
  const chosen = choices.find(([weight]) => (left -= weight) < 0) ?? choices[0]
  return chosen?.[1]() ?? { kind: "heal" }
}

const faults = (random: SeededRandom): ReadonlyArray<readonly [number, () => Action]> => [
  [3, () => ({ kind: "failNext", reason: random.pick(["Full", "Io"]) })],
  [1.5, () => ({ kind: "failing", share: random.pick([0.3, 1]) })],
  [3, () => ({ kind: "heal" })],
  [4, () => ({ kind: "crash", how: random.pick(["Killed", "Killed", "PowerCut"]) })],
  [1.5, () => ({ kind: "restart" })]
]

/** Creates a subscription, or changes its limits. */
export const create = (
  random: SeededRandom
): Extract<Action, { readonly kind: "create" }> => ({
  kind: "create",
  name: random.pick(names),
  options: options(random.pick(patterns), {
    ordering: random.pick(["key", "key", "topic", "none"]),
    maxAttempts: random.between(1, 4),
    ackTimeoutMs: random.pick([ackTimeoutMsMin, 2_000]),
    from: random.pick(["now", "earliest"])
  })
})

/** One message, or a batch. Each payload is a number of its own, unless its key is idempotent. */
const draftsOf = (random: SeededRandom, at: number): ReadonlyArray<Draft> => {
  const count = random.pick([1, 1, 1, 2, 5, 12])
  return Array.from({ length: count }, (_, index) => {
    const idempotent = random.chance(0.2)
    const idempotencyKey = idempotent ? `i${random.between(0, 3)}` : undefined
    return draft(
      random.pick(topics),
      idempotent ? `body ${random.between(0, 1)}` : at * 100 + index,
      {
        priority: random.pick([0, 0, 4, 5, 9]),
        key: random.pick([undefined, "k1", "k1", "k2", "k3"]),
        idempotencyKey,
        // Relative until it is published.
        expiresAt: random.chance(0.05) ? random.between(20, 2_000) : undefined
      }
    )
  })
}
