/**
 * Shrinking: the shortest list of commands found that still fails.
 *
 * Delta debugging: takes out halves, then quarters, down to single commands, as long as what is
 * left still fails.
 */
import type { Command } from "./Commands.ts"

/** Most runs spent on one failure. */
const runsMax = 400

/** A shorter list of which `fails` still says so. */
export const shrink = async (
  commands: ReadonlyArray<Command>,
  fails: (commands: ReadonlyArray<Command>) => Promise<boolean>
): Promise<ReadonlyArray<Command>> => {
  let shortest = commands
  let runs = 0
  for (let size = Math.ceil(commands.length / 2); size >= 1 && runs < runsMax;) {
    let isShorter = false
    for (let from = 0; from < shortest.length && runs < runsMax;) {
      const without = shortest.toSpliced(from, size)
      runs++
      if (await fails(without)) {
        shortest = without
        isShorter = true
      } else from += size
    }
    if (size === 1 && !isShorter) break
    size = size === 1 ? 1 : Math.ceil(size / 2)
  }
  return shortest
}
