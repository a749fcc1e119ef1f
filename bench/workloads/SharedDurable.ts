/**
 * Over PostgreSQL: publishes that reply once they are stored there, each handled once, beside the
 * queues that others keep in it.
 */
import { Counter } from "../Handing.ts"
import { inPostgres } from "../Keeping.ts"
import { Latencies } from "../Latencies.ts"
import { missingPostgres, withPostgres } from "../load/Postgres.ts"
import { textOf } from "../Payloads.ts"
import {
  bullPostgres,
  graphileWorker,
  type OpenQueueAt,
  persistedQueue,
  pgBoss
} from "../peers/PostgresQueues.ts"
import { timed } from "../Timing.ts"
import type { Contender, Workload } from "../Workload.ts"
import { busAlone, busHandling } from "./EmbeddedDurable.ts"

/**
 * Publishers that each wait for their reply, and messages of one run: fewer for slower peers, and
 * with a handler no more than wait at once, because what is too much would be refused.
 */
const sizes = [
  { publishers: 1, messages: 500, handled: 500, ofPeers: 300 },
  { publishers: 64, messages: 20_000, handled: 20_000, ofPeers: 3_000 },
  { publishers: 1_024, messages: 60_000, handled: 30_000, ofPeers: 6_000 }
]

/** Handlers of a peer that run at once, at most: more of them only wait for connections. */
const consumersMax = 64

const peer = (
  name: string,
  openAt: OpenQueueAt,
  publishers: number,
  messages: number
): Contender => ({
  name,
  kept: "synced to disk",
  open: (smoke) =>
    withPostgres(async (url) => {
      const counter = new Counter()
      const queue = await openAt(url, Math.min(publishers, consumersMax), counter.add)
      const count = smoke ? publishers * 2 : messages
      const run = () => {
        const latencies = new Latencies()
        const next = { index: 0 }
        const publisher = async () => {
          while (next.index < count) {
            const text = textOf(next.index++)
            const started = performance.now()
            await queue.publish(text)
            latencies.record(performance.now() - started)
          }
        }
        return timed(count, async () => {
          const handled = counter.next(count)
          await Promise.all(Array.from({ length: publishers }, publisher))
          await handled
          return latencies.count
        }, () => latencies.values())
      }
      return { run, close: queue.close }
    })
})

const peers = ["pg-boss", "graphile-worker", "BullMQ on PostgreSQL", "PersistedQueue"]

/** One workload for each number of publishers. */
export const sharedDurable: ReadonlyArray<Workload> = sizes.map(
  ({ handled, messages, ofPeers, publishers }) => ({
    name: `shared-${publishers}`,
    title: `Over PostgreSQL, ${publishers} publisher${publishers === 1 ? "" : "s"}`,
    unit: "messages",
    note:
      "Each publisher waits for its reply, which follows the commit; the server syncs each of " +
      "those. A run ends when every message was handled, but in the first row, where nobody " +
      `handles any. ${Math.min(publishers, consumersMax)} handlers of a peer run at once.`,
    aims: [
      ...(publishers < 64 ? [] : [{
        contender: "codefactory, with a handler",
        measure: "perSecond" as const,
        bound: "at least" as const,
        value: 1,
        of: peers
      }]),
      ...(publishers < 1_024 ? [] : [{
        contender: "codefactory",
        measure: "perSecond" as const,
        bound: "at least" as const,
        value: 30_000
      }])
    ],
    isolated: true,
    missing: missingPostgres,
    contenders: [
      busAlone(inPostgres, publishers, messages),
      busHandling(inPostgres, publishers, handled),
      peer("pg-boss", pgBoss, publishers, ofPeers),
      peer("graphile-worker", graphileWorker, publishers, ofPeers),
      peer("BullMQ on PostgreSQL", bullPostgres, publishers, ofPeers),
      peer("PersistedQueue", persistedQueue, publishers, ofPeers)
    ]
  })
)
