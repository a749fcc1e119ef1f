/**
 * Over HTTP and PostgreSQL: one pod beside three that share the database, asked in equal parts.
 */
import { missingPostgres, withPostgres } from "../load/Postgres.ts"
import { freePort, load, startGenerator } from "../load/Processes.ts"
import { service } from "../load/Server.ts"
import type { Contender, Run, Workload } from "../Workload.ts"
import { batch, type Requests, single } from "./Http.ts"

/** Keep-alive connections of all load generators together. */
const connections = 66

/** Requests that differ. */
const bodiesCount = 200

/** How long pods take to find each other and share the partitions, in milliseconds. */
const settleMs = 8_000

const startPods = async (url: string, count: number) =>
  await Promise.all(Array.from({ length: count }, async () =>
    await service({
      kept: "synced to disk",
      env: {
        DATABASE_URL: url,
        SINGLE_POD: count === 1 ? "1" : "0",
        POD_PORT: String(await freePort())
      }
    })()))

const pods = (count: number, requests: Requests): Contender => ({
  name: count === 1 ? "1 pod" : `${count} pods`,
  kept: "synced to disk",
  open: (smoke) =>
    withPostgres(async (url) => {
      const servers = await startPods(url, count)
      const generators = await Promise.all(servers.map(startGenerator))
      if (count > 1) await new Promise((resolve) => setTimeout(resolve, settleMs))
      const bodies = Array.from({ length: bodiesCount }, (_, index) => requests.of(index))
      const each = Math.floor((smoke ? requests.countSmoke : requests.count) / count)
      const run = async (): Promise<Run> => {
        const results = await Promise.all(servers.map(({ port }, at) => {
          const generator = generators[at]
          if (generator === undefined) throw new Error("no generator") // A bug.
          const plan = { port, connections: connections / count, requests: each, bodies }
          return load(generator, plan)
        }))
        const done = results.reduce((sum, { statuses }) => sum + (statuses["202"] ?? 0), 0) *
          requests.messagesEach
        return {
          count: done,
          expected: each * count * requests.messagesEach,
          values: {
            perSecond: done / Math.max(...results.map(({ seconds }) => seconds)),
            p50: Math.max(...results.map(({ p50 }) => p50)),
            p99: Math.max(...results.map(({ p99 }) => p99))
          }
        }
      }
      return {
        run,
        close: async () => {
          await Promise.all([...servers, ...generators].map(({ stop }) => stop()))
        }
      }
    })
})

const workload = (name: string, title: string, what: string, requests: Requests): Workload => ({
  name,
  title,
  unit: "messages",
  note:
    `${what}, ${connections} connections in all. Each pod, the generators and the server of the ` +
    "database share the cores of one machine, so this shows what sharing costs and not what more " +
    "machines give: of three pods each takes for the others two messages of three.",
  aims: [],
  isolated: false,
  missing: missingPostgres,
  contenders: [pods(1, requests), pods(3, requests)]
})

/** Single publishes, and batches. */
export const sharedPods: ReadonlyArray<Workload> = [
  workload("pods", "Over HTTP and PostgreSQL, 1 and 3 pods", "One message per POST", single),
  workload(
    "pods-batch",
    "Over HTTP and PostgreSQL, 1 and 3 pods, batches",
    "100 in each POST",
    batch
  )
]
