/**
 * What looks after a bus: which loops run, and what they keep.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { hostname } from "node:os"
import { healthPolicy } from "../domain/Health.ts"
import { shardPolicy } from "../domain/ShardScaling.ts"
import { workerPolicy } from "../domain/WorkerScaling.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { SettingsRecord } from "../services/Settings.ts"
import * as FileAudit from "./audit/FileAudit.ts"
import * as Controlled from "./control/Controlled.ts"
import { guardianDefaults } from "./control/Guardian.ts"
import { machine } from "./settings/Machine.ts"
import { version } from "./Version.ts"

/** Scaling, the guardian and the audit trail, as far as the settings want them. */
export const controlledBy = (
  values: SettingsRecord
): Layer.Layer<never, never, FileSystem.FileSystem | MessageBus> =>
  Layer.mergeAll(scaledBy(values), guardedBy(values), auditedBy(values))

/** What grows and shrinks with the load, if that is wanted. */
const scaledBy = ({ scaling }: SettingsRecord): Layer.Layer<never, never, MessageBus> => {
  const { autoScale, fillDown, fillUp, scaleInterval, shardCountMin, workersMin } = scaling
  if (!autoScale) return Layer.empty
  const intervalMs = Duration.toMillis(scaleInterval)
  return Controlled.scaled({
    shards: {
      ...shardPolicy,
      shardsMin: shardCountMin,
      fillUp,
      fillDown,
      intervalMs,
      highForMs: intervalMs,
      lowForMs: 2 * intervalMs
    },
    workers: { ...workerPolicy, workersMin }
  })
}

/** What watches over it, if that is wanted. */
const guardedBy = ({ scaling }: SettingsRecord): Layer.Layer<never, never, MessageBus> => {
  const { guardian, guardianInterval: interval, guardianWebhook: webhook } = scaling
  if (!guardian) return Layer.empty
  return Layer.unwrap(
    Effect.map(machine, ({ memoryBytes: usableBytes }) =>
      Controlled.guarded({
        ...guardianDefaults,
        interval,
        policy: healthPolicy,
        webhook,
        usableBytes
      }))
  )
}

/** Where its decisions are kept, if that is wanted. A restart goes on under the same name. */
const auditedBy = (
  { scaling: { auditDir }, server: { port } }: SettingsRecord
): Layer.Layer<never, never, FileSystem.FileSystem | MessageBus> =>
  auditDir === undefined
    ? Layer.empty
    : FileAudit.layer({
      directory: auditDir,
      writer: `${hostname()}-${port}`.replaceAll(/[^\w-]/gu, "-")
    })

/** Where traces and logs go, if they go anywhere. The code of it is imported here. */
export const exportedBy = (
  { scaling: { otlpService: service, otlpUrl: url } }: SettingsRecord
): Layer.Layer<never> =>
  url === undefined
    ? Layer.empty
    : Layer.unwrap(
      Effect.map(
        Effect.promise(() => import("./tracing/Export.ts")),
        ({ layer }) => layer({ url, service, version })
      )
    )

/** The bus, whose messages are traced if traces go anywhere. */
export const tracedBy = <E, R>(
  { scaling: { otlpUrl } }: SettingsRecord,
  bus: Layer.Layer<MessageBus, E, R>
): Layer.Layer<MessageBus, E, R> =>
  otlpUrl === undefined
    ? bus
    : Layer.unwrap(
      Effect.map(
        Effect.promise(() => import("./tracing/TracedBus.ts")),
        ({ layer }) => Layer.provide(layer, bus)
      )
    )
