/**
 * The program: the command line, and what `serve` runs.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import process from "node:process"
import type { Snapshot } from "./domain/Snapshot.ts"
import { verify } from "./layers/audit/AuditFiles.ts"
import { exitCodes } from "./layers/cli/ExitCode.ts"
import { run, teardown } from "./layers/cli/Run.ts"
import * as Ending from "./layers/drivers/node/Ending.ts"
import * as Forgotten from "./layers/drivers/node/Forgotten.ts"
import { collectStartUp } from "./layers/drivers/v8/Memory.ts"
import * as Storage from "./layers/log/Storage.ts"
import { served } from "./layers/Profile.ts"
import * as Environment from "./layers/settings/Environment.ts"
import { version } from "./layers/Version.ts"
import { Agents } from "./services/Agents.ts"
import { EdgeAddress } from "./services/EdgeAddress.ts"
import { MessageBus } from "./services/MessageBus.ts"
import { Settings } from "./services/Settings.ts"

/** After the start, so that the first requests are not kept waiting for the collector. */
const settleTime = "500 millis"

const settings = Environment.layer(process.env)

/** What is known of the running service from outside of it. */
interface Life {
  /** Deliveries that end with the process, because only memory has them. */
  lost: () => number
  /** How long the end may take after the first signal, in milliseconds. */
  limitMs: number
}

/** For all that is not a delay that was asked for. Source: design, P7 and faults, F12. */
const endMs = 5_000

const serving = Effect.fnUntraced(
  function*(life: Life) {
    const { notices, profile, values } = yield* Settings
    const { server } = values
    yield* Effect.forEach(notices, (notice) => Effect.logWarning(notice))
    const { metricsUrl, url } = yield* EdgeAddress
    const { drain, durability, snapshot } = yield* MessageBus
    if (durability === "memory") life.lost = () => pendingOf(snapshot())
    life.limitMs = endMs + Duration.toMillis(Duration.sum(server.prestopDelay, server.drain))
    yield* Effect.logInfo(`serving on ${url}, metrics on ${metricsUrl}/metrics`)
    yield* Effect.logInfo(`profile ${profile}, durability ${durability}; Ctrl-C drains and ends`)
    const agents = yield* Agents
    if (values.agents.dir !== undefined) yield* Forgotten.watch
    const running = agents.load.pipe(
      Effect.andThen(Effect.delay(collectStartUp, settleTime)),
      Effect.andThen(Effect.never)
    )
    // Before the edge closes with the layers: acks are taken while the bus drains.
    yield* Effect.onInterrupt(running, () => Effect.andThen(leaving(life, snapshot), drain))
  },
  Effect.scoped,
  Effect.provide(Layer.provideMerge(served, settings))
)

/** Says why the process does not end at once. */
const leaving = ({ limitMs }: Life, snapshot: () => Snapshot): Effect.Effect<void> =>
  Effect.suspend(() => {
    const running = snapshot().subscriptions.reduce((sum, { inFlight }) => sum + inFlight, 0)
    return Effect.logInfo(
      `ending: ${running} deliveries are handed out and may be acknowledged; ` +
        `at most ${Math.round(limitMs / 1_000)} s`
    )
  })

/** Deliveries that are not settled, and messages whose time has not come. */
const pendingOf = ({ retention, subscriptions }: Snapshot): number =>
  subscriptions.reduce((sum, { pending }) => sum + pending, retention.delayed)

/** What memory kept ends with the process; it is counted once the bus has drained. Design, P7. */
const count = (life: Life): Effect.Effect<void> =>
  Effect.suspend(() => {
    const lost = life.lost()
    if (lost === 0) return Effect.void
    process.exitCode = exitCodes.lost.code
    return Effect.logWarning(`${lost} deliveries were not settled and are lost`)
  })

const serve = Effect.scoped(Effect.gen(function*() {
  const life: Life = { lost: () => 0, limitMs: endMs }
  const context = yield* Effect.context<never>()
  const late = Effect.logError("the end took too long; ending without what did not finish")
  yield* Ending.watch({
    limitMs: () => life.limitMs,
    heard: (signal, times) => {
      if (times === 1) return
      const again = `${signal} heard again; the service is ending already`
      Effect.runForkWith(context)(Effect.logWarning(again))
    },
    late: () => {
      process.exitCode = exitCodes.late.code
      Effect.runSyncWith(context)(Effect.andThen(late, count(life)))
      process.exit()
    }
  })
  yield* Effect.ensuring(serving(life), count(life))
}))

const program = {
  serve,
  settings: Effect.provide(Settings, settings),
  verifyAudit: (directory: string) =>
    Effect.flatMap(FileSystem.FileSystem, (files) => verify(files, directory)),
  migrate: (what: "plan" | "run", citus: boolean) =>
    Effect.flatMap(Settings, ({ values }) => Storage.migrations(values.store, what, citus)).pipe(
      Effect.provide(settings)
    )
}

NodeRuntime.runMain(run(program, version), {
  disableErrorReporting: true,
  teardown
})
