/**
 * Embedded, durable, while retention deletes: publishes beside the same without it.
 */
import { Duration, Effect, Layer } from "effect"
import * as Bus from "../../src/layers/bus/Bus.ts"
import * as SlewedClock from "../../src/layers/drivers/clock/SlewedClock.ts"
import * as Embedding from "../../src/layers/embed/Embedding.ts"
import * as EmbeddedLog from "../../src/layers/log/EmbeddedLog.ts"
import { openEmbedded } from "../Embedded.ts"
import { withDirectory } from "../load/Directory.ts"
import type { Contender, Workload } from "../Workload.ts"
import { publishTexts } from "./EmbeddedDurable.ts"

const publishers = 64
const messages = 20_000

/** Deletes what was just written, all the time: far more often than by default. */
const busy = { everyMs: 20, ageMs: Number.MAX_SAFE_INTEGER, bytesMax: 1_048_576 }

const contender = (name: string, retention: typeof busy): Contender => ({
  name,
  kept: "synced to disk",
  open: (smoke) =>
    withDirectory(async (directory) => {
      const embedded = await openEmbedded(
        {},
        () => Effect.void,
        Embedding.layer.pipe(
          Layer.provideMerge(Bus.layer({ ...Bus.optionsDefault, retention })),
          Layer.provide(EmbeddedLog.layer({ directory, claimsFor: Duration.hours(1) })),
          Layer.provide(SlewedClock.layer)
        )
      )
      const count = smoke ? publishers * 2 : messages
      return { run: () => publishTexts(embedded, count, publishers), close: embedded.close }
    })
})

/** With retention all the time, and with none. */
export const retention: Workload = {
  name: "retention",
  title: "Embedded durable publish while retention deletes",
  unit: "messages",
  note: `${publishers} publishers. In the last row retention runs every ${busy.everyMs} ms and ` +
    "deletes all but the last MiB, so that every message written is deleted within the run; by " +
    "default it looks every 5 s.",
  aims: [{
    contender: "retention running",
    measure: "perSecond",
    bound: "at least",
    value: 0.5,
    of: ["no retention"]
  }],
  isolated: true,
  contenders: [
    contender("no retention", { ...busy, bytesMax: 2 ** 50 }),
    contender("retention running", busy)
  ]
}
