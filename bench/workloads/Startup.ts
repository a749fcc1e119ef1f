/**
 * Starting: how long until the first accepted publish, and how much memory an idle server takes.
 */
import {
  bundledInMemory,
  bundledSynced,
  echo,
  fastifyQueue,
  serviceInMemory,
  serviceSynced,
  type StartServer
} from "../load/Server.ts"
import { acquire, release } from "../load/Sharing.ts"
import { residentBytesOf } from "../Timing.ts"
import type { Aim, Contender, Kept, Workload } from "../Workload.ts"
import { starting, storeMemory } from "./InTheWay.ts"

/** How long a server is idle before its memory is read, in milliseconds. */
const idleMs = 500

const contender = (name: string, kept: Kept, startServer: StartServer): Contender => ({
  name,
  kept,
  open: async (smoke) => ({
    run: async () => {
      const server = await acquire(startServer, smoke)
      if (!smoke) await new Promise((resolve) => setTimeout(resolve, idleMs))
      const resident = await residentBytesOf(server.program.child.pid)
      await release(smoke, server)
      return {
        count: 1,
        expected: 1,
        values: {
          startMs: server.firstAcceptMs,
          ...(resident === undefined ? {} : { residentMb: resident / 1e6 })
        }
      }
    },
    close: () => Promise.resolve()
  })
})

const aims = (name: string): ReadonlyArray<Aim> => [
  { contender: name, measure: "startMs", bound: "at most", value: 150, inTheWay: starting },
  { contender: name, measure: "residentMb", bound: "at most", value: 110, inTheWay: storeMemory }
]

/** From exec to the first 202, and resident memory while nothing happens. */
export const startup: Workload = {
  name: "startup",
  title: "Starting",
  unit: "starts",
  note: "From starting the process to its first accepted publish, on an empty directory and with " +
    "compiled code kept from the start before, from the sources or from the bundle that " +
    `\`npm run build\` makes; resident memory after ${idleMs} ms without work.`,
  aims: [
    ...aims("codefactory, memory, bundled"),
    ...aims("codefactory, bundled"),
    ...aims("codefactory")
  ],
  isolated: false,
  contenders: [
    contender("raw node:http echo", "nothing", echo),
    contender("fastify + fastq", "nothing", fastifyQueue),
    contender("codefactory, memory, bundled", "in memory", bundledInMemory),
    contender("codefactory, bundled", "synced to disk", bundledSynced),
    contender("codefactory, memory", "in memory", serviceInMemory),
    contender("codefactory", "synced to disk", serviceSynced)
  ],
  plotted: "startMs"
}
