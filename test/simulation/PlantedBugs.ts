/**
 * Bugs that are planted on purpose, to see that the tests are able to find such.
 */

/** One bug: which text of which file becomes what, and who must notice. */
export interface PlantedBug {
  readonly name: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly text: string
  readonly becomes: string
  /** A test file that catches it by name, or the simulation within its first 300 seeds. */
  readonly caughtBy: "simulation" | { readonly file: string; readonly test: string }
}

/** The ten bugs. */
export const plantedBugs: ReadonlyArray<PlantedBug> = [
  {
    name: "lost wake-up",
    file: "src/layers/bus/Turns.ts",
    text: "if (worker.stopping || !shard.isEmpty) return resume",
    becomes: "if (worker.stopping) return resume",
    caughtBy: "simulation"
  },
  {
    name: "offset skipped",
    file: "src/layers/bus/Reader.ts",
    text: "position[logLane] = scanned.next\n",
    becomes: "position[logLane] = scanned.next + 1\n",
    caughtBy: "simulation"
  },
  {
    name: "key freed early",
    file: "src/layers/bus/KeyOrder.ts",
    text: "if (key.running.length > 0 || key.reserved !== undefined || key.guards > 0) return",
    becomes: "if (key.reserved !== undefined || key.guards > 0) return",
    caughtBy: "simulation"
  },
  {
    name: "deduplication that slides",
    file: "src/layers/bus/Deduplication.ts",
    text: "return isClaimed(known.at, now, this.limits.ttlMs) ? known : undefined",
    becomes: `if (!isClaimed(known.at, now, this.limits.ttlMs)) return undefined
        this.put(scope, { ...known, at: now })
        return known`,
    caughtBy: "simulation"
  },
  {
    name: "ack set off by one",
    file: "src/layers/bus/Track.ts",
    text: "Math.max(entry.offset + 1, settledBehind)",
    becomes: "Math.max(entry.offset + 2, settledBehind)",
    caughtBy: "simulation"
  },
  {
    name: "attempts not journalled",
    file: "src/layers/bus/Turns.ts",
    text: "if (!core.log.journals) return handled",
    becomes: "if (core.log.journals) return handled",
    caughtBy: "simulation"
  },
  {
    name: "replay that does not remove",
    file: "src/layers/bus/Replays.ts",
    text: "{ deadLettersRemoved: page.map(({ id }) => id), ownRows: rows }",
    becomes: "{ ownRows: rows }",
    caughtBy: "simulation"
  },
  {
    name: "watchdog that hits the next message",
    file: "src/layers/bus/WorkerPool.ts",
    text: "if (worker.deadline > now || worker.timedOut) continue\n",
    becomes: `if (worker.timedOut) worker.fiber?.interruptUnsafe()
          if (worker.deadline > now) continue
          worker.timedOut = true
          if (now > 0) continue\n`,
    caughtBy: "simulation"
  },
  {
    name: "gate without hysteresis",
    file: "src/domain/Watermark.ts",
    text: `fill >= marks.high ? "Closed" : fill < marks.low ? "Open" : gate`,
    becomes: `fill >= marks.high ? "Closed" : "Open"`,
    caughtBy: "simulation"
  },
  {
    name: "resize that drops what is due again",
    file: "src/layers/bus/Resizing.ts",
    text: "returned: [returned[0].filter(isTheirs), returned[1].filter(isTheirs)]",
    becomes: "returned: [[], []]",
    caughtBy: "simulation"
  }
]
