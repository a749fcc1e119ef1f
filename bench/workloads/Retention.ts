/**
 * Embedded, durable, while retention deletes: publishes beside the same without it.
 */
import { Duration, Layer } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import * as Bus from "../../src/layers/bus/Bus.ts"
import * as SlewedClock from "../../src/layers/drivers/clock/SlewedClock.ts"
import * as Embedding from "../../src/layers/embed/Embedding.ts"
import * as EmbeddedLog from "../../src/layers/log/EmbeddedLog.ts"
import { openEmbedded } from "../Embedded.ts"
import { root } from "../load/Processes.ts"
import type { Workload } from "../Measure.ts"
import { timed } from "./EmbeddedDurable.ts"

const publishers = 64
const messages = 20_000

/** Deletes what was just written, all the time: far more often than by default. */
const busy = { everyMs: 20, ageMs: Number.MAX_SAFE_INTEGER, bytesMax: 1_048_576 }

const busAt = (directory: string, retention: typeof busy) =>
  openEmbedded(
    {},
    "nobody.publishes",
    Embedding.layer.pipe(
      Layer.provideMerge(Bus.layer({ ...Bus.optionsDefault, retention })),
      Layer.provide(EmbeddedLog.layer({ directory, claimsFor: Duration.hours(1) })),
      Layer.provide(SlewedClock.layer)
    )
  )

/** With retention all the time, and with none. */
export const retention: Workload = {
  title: "Embedded durable publish while retention deletes",
  unit: "messages/s",
  note: "64 publishers. In the last row retention runs every 20 ms and deletes all but the last " +
    "MiB, so that every message written is deleted within the run; by default it looks every " +
    "5 s.",
  aim: { contender: "publish, retention running", peer: "publish", ratio: 0.5 },
  open: async (smoke) => {
    const count = smoke ? publishers * 2 : messages
    const directory = await mkdtemp(join(root, ".run", "bench-"))
    const idle = await busAt(join(directory, "idle"), { ...busy, bytesMax: 2 ** 50 })
    const deleting = await busAt(join(directory, "deleting"), busy)
    const contender = (name: string, bus: typeof idle) => ({
      name,
      run: () => timed(count, (latencies) => bus.publishEach(0, count, publishers, latencies))
    })
    return {
      contenders: [contender("publish", idle), contender("publish, retention running", deleting)],
      close: async () => {
        await idle.close()
        await deleting.close()
        await rm(directory, { recursive: true, force: true })
      }
    }
  }
}
