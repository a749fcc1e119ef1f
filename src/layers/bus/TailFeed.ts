/**
 * The feed of tails: what this pod publishes, for the tails of others, and what others publish, for
 * the tails here.
 *
 * What others tell goes into the ring as if it had been routed here, so tails know no difference.
 * The offsets of a lane are dense, so whatever order pods tell in while a lane changes hands, what
 * is known is passed over, and a hole sends the tails that have not come past it to the log.
 */
import * as Effect from "effect/Effect"
import { partitionOfLogLane } from "../../domain/Position.ts"
import type { FedEntry, FedLane, FedPlace, Listener, TailFeed } from "../../services/OtherPods.ts"
import type { Core } from "./Core.ts"
import { passTo } from "./TailLanes.ts"
import { volatileLane } from "./TailRing.ts"

/** Most of one reply to who listens. */
export const feedMax = { count: 512, bytes: 524_288 } as const

/** The feed of `core`. */
export const make = (core: Core): TailFeed => ({
  listen: Effect.as(
    Effect.acquireRelease(
      Effect.sync(() => {
        core.tails.holds++
        core.tails.start()
      }),
      () =>
        Effect.sync(() => {
          core.tails.holds--
          core.tails.stopUnused()
        })
    ),
    listener(core)
  ),
  tell: ({ entries, lanes = [] }) => {
    for (const entry of entries) tell(core, entry)
    for (const lane of lanes) learn(core, lane)
  },
  show: (message) => {
    if (core.tails.isOpen) core.tails.addVolatile(message)
  },
  miss: (count) => {
    for (const cursor of [...core.tails.cursors]) {
      cursor.miss(count)
      const { resume } = cursor
      core.tails.unpark(cursor)
      if (resume !== undefined) core.tails.later(resume)
    }
  },
  forget: () => {
    const { heads, known } = core.tails.lanes
    for (const lane of [...known]) {
      if (core.log.owns(partitionOfLogLane(lane))) continue
      known.delete(lane)
      heads[lane] = 0
    }
  }
})

const listener = (core: Core): Listener => ({
  take: (since) => {
    const { tails: { lanes: { changes }, ring } } = core
    const place = (sequence: number): FedPlace => ({ sequence, changes })
    if (since === undefined || since.sequence < ring.first || since.sequence > ring.next) {
      const isGap = since !== undefined && since.sequence < ring.first
      return { next: place(ring.next), entries: [], lanes: ownLanes(core), isGap }
    }
    const entries: Array<FedEntry> = []
    let [at, bytes] = [since.sequence, 0] // One pass with a running sum.
    while (at < ring.next && entries.length < feedMax.count && bytes < feedMax.bytes) {
      const entry = ring.at(at++)
      if (entry === undefined || !isOwn(core, entry.logLane)) continue
      const { bytes: size, logLane, message, offset } = entry
      entries.push({ bytes: size, logLane, message, offset })
      bytes += size
    }
    const lanes = at < ring.next ? undefined : ownLanes(core)
    return { next: place(at), entries, lanes, isGap: false }
  },
  changed: ({ changes, sequence }) =>
    Effect.callback((resume) => {
      const { tails } = core
      if (tails.ring.next > sequence || tails.lanes.changes > changes) return resume(Effect.void)
      const goOn = () => resume(Effect.void)
      tails.listening.add(goOn)
      return Effect.sync(() => tails.listening.delete(goOn))
    })
})

/** Volatile messages, as announcements, are of one pod alone. */
const isOwn = ({ log }: Core, logLane: number): boolean =>
  logLane !== volatileLane && log.owns(partitionOfLogLane(logLane))

const ownLanes = ({ log, seen }: Core): ReadonlyArray<FedLane> =>
  [...seen].flatMap((head, lane): ReadonlyArray<FedLane> =>
    log.owns(partitionOfLogLane(lane)) ? [[lane, log.first(lane), head]] : []
  )

const tell = (core: Core, entry: FedEntry): void => {
  const { log, tails } = core
  const { logLane, offset } = entry
  const { heads, known } = tails.lanes
  const head = heads[logLane] ?? 0
  if (log.owns(partitionOfLogLane(logLane)) || offset < head) return
  if (offset > head || !known.has(logLane)) passTo(tails, logLane, offset)
  tails.add(entry)
}

const learn = ({ log, tails }: Core, [lane, first, head]: FedLane): void => {
  if (log.owns(partitionOfLogLane(lane))) return
  tails.lanes.firsts[lane] = first
  passTo(tails, lane, head)
}
