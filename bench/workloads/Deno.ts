/**
 * Over HTTP under Deno: single publishes, beside a `Deno.serve` that only echoes.
 */
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { denoPath, root } from "../load/Processes.ts"
import { denoEcho, denoInMemory, denoSynced } from "../load/Server.ts"
import type { Workload } from "../Workload.ts"
import { contender, single } from "./Http.ts"
import { deno } from "./InTheWay.ts"

const raw = "raw Deno.serve echo"
const of = contender(single)

const missing = async (): Promise<string | undefined> => {
  if (!existsSync(denoPath)) return "Deno is not among the installed dependencies"
  const { tasks } = JSON.parse(await readFile(join(root, "deno.json"), "utf8"))
  return tasks?.start === undefined ? "this version does not serve under Deno" : undefined
}

/** One message per request. */
export const httpDeno: Workload = {
  name: "http-deno",
  title: "HTTP under Deno, one message per POST",
  unit: "messages",
  note: "As under Node: 64 keep-alive connections, each waiting for its answer.",
  aims: ["codefactory, memory", "codefactory"].map((one) => ({
    contender: one,
    measure: "perSecond",
    bound: "at least",
    value: 0.45,
    of: [raw],
    inTheWay: deno
  })),
  isolated: false,
  contenders: [
    of(raw, "nothing", denoEcho),
    of("codefactory, memory", "in memory", denoInMemory),
    of("codefactory", "synced to disk", denoSynced)
  ],
  missing
}
