/**
 * The commands that were added after the first seeds were kept.
 */
import { type Mix, names } from "./Commands.ts"
import type { MoreAction } from "./MoreActions.ts"
import type { SeededRandom } from "./SeededRandom.ts"

type Choice = readonly [weight: number, draw: () => MoreAction]

/** Draws one of them. */
export const moreAction = (random: SeededRandom, _mix: Mix, _at: number): MoreAction => {
  const name = random.pick(names)
  const choices: ReadonlyArray<Choice> = [
    [3, () => ({ kind: "attachFates", name, badness: random.pick([0.3, 0.8]) })]
  ]
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  let left = random.next() * total
  const [, draw] = choices.find(([weight]) => (left -= weight) < 0) ?? choices[0] ?? [0, undefined]
  if (draw === undefined) throw new Error("there are commands to choose from")
  return draw()
}
