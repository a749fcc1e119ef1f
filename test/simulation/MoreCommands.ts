/**
 * The commands that were added after the first seeds were kept.
 */
import type { Draft } from "../../src/domain/Message.ts"
import { draft } from "../layers/bus/Drafts.ts"
import { type Mix, names } from "./Commands.ts"
import { filters } from "./Filters.ts"
import { create } from "./FirstCommands.ts"
import type { MoreAction } from "./MoreActions.ts"
import type { SeededRandom } from "./SeededRandom.ts"

type Choice = readonly [weight: number, draw: () => MoreAction]

/** Draws one of them. */
export const moreAction = (random: SeededRandom, _mix: Mix, _at: number): MoreAction => {
  const name = random.pick(names)
  const choices: ReadonlyArray<Choice> = [
    [3, () => ({ kind: "attachFates", name, badness: random.pick([0.3, 0.8]) })],
    [4, () => special(random)],
    [3, () => ({ kind: "publishEach", drafts: repeats(random) })]
  ]
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  let left = random.next() * total
  const [, draw] = choices.find(([weight]) => (left -= weight) < 0) ?? choices[0] ?? [0, undefined]
  if (draw === undefined) throw new Error("there are commands to choose from")
  return draw()
}

/** The same message twice or three times, or another one under its key. */
const repeats = (random: SeededRandom): ReadonlyArray<Draft> => {
  const idempotencyKey = `r${random.between(0, 1)}`
  return Array.from(
    { length: random.between(1, 3) },
    () => draft("a.x", random.pick(["one", "one", "other"]), { key: "k1", idempotencyKey })
  )
}

/** A subscription with options that the first seeds do not have. */
const special = (random: SeededRandom): MoreAction => {
  const { kind, name, options } = create(random)
  const filter = random.pick([undefined, ...filters])
  return { kind, name, options: filter === undefined ? options : { ...options, filter } }
}
