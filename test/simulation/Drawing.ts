/**
 * The commands of a seed: the first ones, and among them what was added later.
 */
import type { Command, Mix } from "./Commands.ts"
import { firstCommands } from "./FirstCommands.ts"
import { moreAction, slowBesideFast } from "./MoreCommands.ts"
import { seededRandom } from "./SeededRandom.ts"

/** Draws the commands of a seed. */
export const commandsOf = (seed: number, mix: Mix): ReadonlyArray<Command> => {
  const first = firstCommands(seed, mix)
  if (!mix.more) return first
  const random = seededRandom(seed, "more commands")
  const share = random.pick([0.2, 0.5, 0.8])
  const scene = random.chance(0.2) ? slowBesideFast(random) : []
  const begun = scene.map((action): Command => ({
    action,
    tasks: 300,
    ms: action.kind === "publish" ? random.pick([0, 5, 100]) : 40
  }))
  return [...begun, ...first].flatMap((command, at) =>
    at <= begun.length || !random.chance(share)
      ? [command]
      : [command, {
        action: moreAction(random, mix, at),
        tasks: random.chance(0.5) ? random.between(0, 30) : 300,
        ms: random.chance(0.6) ? 0 : random.between(1, 60)
      }]
  )
}
