/**
 * The program: the command line, and what `serve` runs.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import process from "node:process"
import { run, teardown } from "./layers/cli/Run.ts"
import { served } from "./layers/Profile.ts"
import * as Environment from "./layers/settings/Environment.ts"
import { version } from "./layers/Version.ts"
import { EdgeAddress } from "./services/EdgeAddress.ts"
import { MessageBus } from "./services/MessageBus.ts"
import { Settings } from "./services/Settings.ts"

const settings = Environment.layer(process.env)

const serve = Effect.gen(function*() {
  const { notices, profile } = yield* Settings
  yield* Effect.forEach(notices, (notice) => Effect.logWarning(notice))
  const { metricsUrl, url } = yield* EdgeAddress
  const { durability } = yield* MessageBus
  yield* Effect.logInfo(`serving on ${url}, metrics on ${metricsUrl}/metrics`)
  yield* Effect.logInfo(`profile ${profile}, durability ${durability}; Ctrl-C drains and ends`)
  yield* Effect.never
}).pipe(Effect.provide(Layer.provideMerge(served, settings)))

NodeRuntime.runMain(run({ serve, settings: Effect.provide(Settings, settings) }, version), {
  disableErrorReporting: true,
  teardown
})
