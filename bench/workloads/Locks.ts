/**
 * Locks: taken and given back by one client, and handed over between many who want the same one.
 */
import { Latencies } from "../Latencies.ts"
import { missingPostgres, withPostgres } from "../load/Postgres.ts"
import { missingRedis, withRedis } from "../load/Redis.ts"
import { advisory, bare, type OpenLocks, ours, redlock } from "../peers/Locks.ts"
import { timed } from "../Timing.ts"
import type { Contender, Opened, Reading, Workload } from "../Workload.ts"

/** Who opens a server for a contender. */
type With = (open: (url: string) => Promise<Opened>) => Promise<Opened>

/** Clients that want the same lock. */
const clients = 32

const contender = (
  name: string,
  servers: With,
  openLocks: OpenLocks,
  count: number,
  work: (locks: Awaited<ReturnType<OpenLocks>>, count: number) => ReturnType<Opened["run"]>
): Contender => ({
  name,
  kept: "in memory",
  open: (smoke) =>
    servers(async (url) => {
      const locks = await openLocks(url, clients)
      return { run: () => work(locks, smoke ? clients * 2 : count), close: locks.close }
    })
})

/** One client takes and gives back a lock, another name each time of a few. */
const alone = (locks: Awaited<ReturnType<OpenLocks>>, count: number) => {
  const latencies = new Latencies()
  return timed(count, async () => {
    for (let at = 0; at < count; at++) {
      const started = performance.now()
      const release = await locks.take(`lock-${at % 16}`)
      await release()
      latencies.record(performance.now() - started)
    }
    return latencies.count
  }, () => latencies.values())
}

/** Each of the clients takes the same lock as often as it can, until so many had it. */
const contended = (locks: Awaited<ReturnType<OpenLocks>>, count: number) => {
  const latencies = new Latencies()
  const held = { by: 0, times: 0 }
  const had = new Array<number>(clients).fill(0)
  const client = async (_: unknown, own: number) => {
    while (held.times < count) {
      const started = performance.now()
      const release = await locks.take("contended")
      if (held.by++ > 0) throw new Error("two have the lock")
      held.times++
      had[own] = (had[own] ?? 0) + 1
      latencies.record(performance.now() - started)
      held.by--
      await release()
    }
  }
  return timed(count, async () => {
    await Promise.all(Array.from({ length: clients }, client))
    return Math.min(count, latencies.count)
  }, () => ({ ...latencies.values(), fairness: Math.min(...had) / Math.max(...had) }))
}

const us = "codefactory"

/** What a lock costs beside its two round trips. */
const ownWork = (of: Reading): string =>
  "Each script asks for the clock, the last token and the queue beside the lock itself, which is " +
  `five commands at the server in place of two; ${
    of(us, "p50")
  } ms for both round trips, of which ` +
  `the client computes ${of(us, "cpuMicros")} µs.`

/** Locks that nobody else wants. */
export const locksAlone: Workload = {
  name: "locks",
  title: "Locks over Redis, one client",
  unit: "locks",
  note: "A lock is taken and given back, one after another: two round trips. The bus " +
    "gives a fencing token with each, by the clock of the server; the others do not.",
  aims: [
    {
      contender: us,
      measure: "perSecond",
      bound: "at least",
      value: 0.8,
      of: ["SET NX, script"],
      inTheWay: ownWork
    },
    {
      contender: us,
      measure: "perSecond",
      bound: "at least",
      value: 1,
      of: ["redlock"],
      inTheWay: ownWork
    }
  ],
  isolated: true,
  missing: missingRedis,
  contenders: [
    contender(us, withRedis, ours.alone, 10_000, alone),
    contender("redlock", withRedis, redlock, 10_000, alone),
    contender("SET NX, script", withRedis, bare, 10_000, alone)
  ]
}

/** A lock that all want. */
export const locksContended: Workload = {
  name: "locks-contended",
  title: `One lock, ${clients} who wait`,
  unit: "hand-overs",
  note: `${clients} clients of one process want the same lock all the time; it is given back as ` +
    "soon as it is had. Latency is from asking for it to having it.",
  aims: [
    {
      contender: us,
      measure: "perSecond",
      bound: "at least",
      value: 10,
      of: ["redlock"],
      inTheWay: (of) =>
        `redlock gives most of its locks to who has just given one back (its p50 is ` +
        `${of("redlock", "p50")} ms, its p99 ${
          of("redlock", "p99")
        } ms), which saves it the hand-over.`
    },
    { contender: us, measure: "perSecond", bound: "at least", value: 1, of: ["PostgreSQL"] },
    { contender: us, measure: "fairness", bound: "at least", value: 0.5 },
    {
      contender: us,
      measure: "p99",
      bound: "at most",
      value: 10,
      inTheWay: (of) =>
        `Half of the waits are ${of(us, "p50")} ms for ${clients} hand-overs; the server and all ` +
        "clients share the cores of this machine, and the waits behind a pause are long ones."
    }
  ],
  isolated: true,
  missing: async () => await missingRedis() ?? await missingPostgres(),
  contenders: [
    contender(us, withRedis, ours.contended, 20_000, contended),
    contender("redlock", withRedis, redlock, 200, contended),
    contender("PostgreSQL", withPostgres, advisory, 5_000, contended)
  ]
}
