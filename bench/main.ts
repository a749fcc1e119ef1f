/**
 * `npm run bench`: the bus beside peers that do no more than they must; writes RESULTS.md.
 *
 * `--smoke` runs everything once and tiny, checks that no operation is lost, and writes nothing.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { root } from "./load/Processes.ts"
import { measure } from "./Measure.ts"
import { type Measured, report, section, startingSection, storesSection } from "./Report.ts"
import { measureStores } from "./store.ts"
import { embeddedDurable } from "./workloads/EmbeddedDurable.ts"
import { embeddedMemory } from "./workloads/EmbeddedMemory.ts"
import { httpBatch, httpSingle } from "./workloads/Http.ts"
import { retention } from "./workloads/Retention.ts"
import { measureStartup } from "./workloads/Startup.ts"

/** Odd, so that the median is a run that happened. */
const roundsFull = 5

/** How long each store is measured at each size. */
const storeMs = 1_000

const smoke = process.argv.includes("--smoke")
const rounds = smoke ? 1 : roundsFull

await mkdir(join(root, ".run"), { recursive: true })
const measured: Array<Measured> = []
for (const workload of [embeddedMemory, ...embeddedDurable, retention, httpSingle, httpBatch]) {
  const result = { workload, summaries: await measure(workload, rounds, smoke) }
  measured.push(result)
  console.log(smoke ? `ok: ${workload.title}` : section(result).join("\n"))
}
const startup = await measureStartup(rounds)
if (smoke) console.log("ok: every operation of every workload ended well")
else {
  const others = [...storesSection(measureStores(storeMs)), ...startingSection(startup)]
  console.log(others.join("\n"))
  await writeFile(join(root, "bench", "RESULTS.md"), report(measured, others, rounds))
}
