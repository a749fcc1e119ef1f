/**
 * A CPU profile as a flame graph: `node tools/run.mjs bench/flame.ts FILE [PICTURE.svg]`.
 *
 * Prints the ten functions that take most of the time by themselves, and the parts of the program.
 */
import { readFile, writeFile } from "node:fs/promises"
import { basename } from "node:path"
import { dearest, dearestGroups, readProfile } from "./flame/CpuProfile.ts"
import { flameGraph } from "./flame/FlameGraph.ts"

const [, , file, picture] = process.argv
if (file === undefined) throw new Error("usage: flame.ts FILE [PICTURE.svg]")
const all = readProfile(await readFile(file, "utf8"))
for (const costs of [dearest(all).slice(0, 10), dearestGroups(all)]) {
  for (const { name, share } of costs) {
    console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${name}`)
  }
  console.log()
}
if (picture !== undefined) await writeFile(picture, flameGraph(basename(file), all))
