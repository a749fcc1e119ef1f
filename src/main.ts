/**
 * The program: the command line, and what `serve` runs.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import process from "node:process"
import type { Snapshot } from "./domain/Snapshot.ts"
import { exitCodes } from "./layers/cli/ExitCode.ts"
import { run, teardown } from "./layers/cli/Run.ts"
import { collectStartUp } from "./layers/drivers/v8/Memory.ts"
import { served } from "./layers/Profile.ts"
import * as Environment from "./layers/settings/Environment.ts"
import { version } from "./layers/Version.ts"
import { EdgeAddress } from "./services/EdgeAddress.ts"
import { MessageBus } from "./services/MessageBus.ts"
import { Settings } from "./services/Settings.ts"

/** After the start, so that the first requests are not kept waiting for the collector. */
const settleTime = "500 millis"

const settings = Environment.layer(process.env)

const serving = Effect.fnUntraced(function*(left: { pending: () => number }) {
  const { notices, profile } = yield* Settings
  yield* Effect.forEach(notices, (notice) => Effect.logWarning(notice))
  const { metricsUrl, url } = yield* EdgeAddress
  const { durability, snapshot } = yield* MessageBus
  if (durability === "memory") left.pending = () => pendingOf(snapshot())
  yield* Effect.logInfo(`serving on ${url}, metrics on ${metricsUrl}/metrics`)
  yield* Effect.logInfo(`profile ${profile}, durability ${durability}; Ctrl-C drains and ends`)
  yield* Effect.delay(collectStartUp, settleTime)
  yield* Effect.never
}, Effect.provide(Layer.provideMerge(served, settings)))

const pendingOf = ({ subscriptions }: Snapshot): number =>
  subscriptions.reduce((sum, { pending }) => sum + pending, 0)

/** What memory kept ends with the process; it is counted once the bus has drained. Design, P7. */
const serve = Effect.suspend(() => {
  const left = { pending: () => 0 }
  const count = Effect.suspend(() => {
    const pending = left.pending()
    if (pending === 0) return Effect.void
    process.exitCode = exitCodes.lost.code
    return Effect.logWarning(`${pending} deliveries were not settled and are lost`)
  })
  return Effect.ensuring(serving(left), count)
})

NodeRuntime.runMain(run({ serve, settings: Effect.provide(Settings, settings) }, version), {
  disableErrorReporting: true,
  teardown
})
