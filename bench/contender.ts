/**
 * The entry of a process that runs one contender: `contender.ts <workload> <contender>`.
 */
import { workloads } from "./Catalogue.ts"
import type { Order } from "./OwnProcess.ts"

const [, , workloadName, contenderName] = process.argv
const contender = workloads
  .find(({ name }) => name === workloadName)
  ?.contenders.find(({ name }) => name === contenderName)
if (contender === undefined) throw new Error(`no ${contenderName} in ${workloadName}`)

const opened = await contender.open(false)

const obey = async (order: Order): Promise<void> => {
  if (order === "run") {
    globalThis.gc?.() // Each run starts with the garbage of none.
    process.send?.(await opened.run())
    return
  }
  await opened.close()
  process.exit() // A profile of the process is written here, if one was asked for.
}

process.on("disconnect", () => process.exit()) // The benchmark was ended.
process.on("message", (order: Order) => void obey(order))
process.send?.("ready")
