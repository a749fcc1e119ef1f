/**
 * The catalogue: every workload of the benchmark, in the order of the report.
 */
import type { Workload } from "./Workload.ts"
import { claims } from "./workloads/Claims.ts"
import { httpDeno } from "./workloads/Deno.ts"
import { embeddedDurable } from "./workloads/EmbeddedDurable.ts"
import { latencyFixed, latencyHalf } from "./workloads/EmbeddedLatency.ts"
import { embeddedTexts, embeddedValues } from "./workloads/EmbeddedMemory.ts"
import { fanOutEmbedded } from "./workloads/FanOutEmbedded.ts"
import { fanOutEvents } from "./workloads/FanOutEvents.ts"
import { growthPayload, growthSubscriptions, growthTopics } from "./workloads/Growth.ts"
import { growthBacklog, sharedBacklog } from "./workloads/GrowthBacklog.ts"
import { heavyHandlers } from "./workloads/HeavyHandlers.ts"
import { httpBatch, httpHalf, httpSingle } from "./workloads/Http.ts"
import { locksAlone, locksContended } from "./workloads/Locks.ts"
import { sharedPods } from "./workloads/Pods.ts"
import { retention } from "./workloads/Retention.ts"
import { sharedDurable } from "./workloads/SharedDurable.ts"
import { signals } from "./workloads/Signals.ts"
import { startup } from "./workloads/Startup.ts"
import { stores } from "./workloads/Stores.ts"

/** All of them. */
export const workloads: ReadonlyArray<Workload> = [
  embeddedTexts,
  embeddedValues,
  latencyFixed,
  latencyHalf,
  ...embeddedDurable,
  ...sharedDurable,
  ...sharedPods,
  sharedBacklog,
  locksAlone,
  locksContended,
  claims,
  signals,
  retention,
  httpSingle,
  httpBatch,
  httpHalf,
  httpDeno,
  ...heavyHandlers,
  fanOutEmbedded,
  fanOutEvents,
  growthTopics,
  growthSubscriptions,
  growthPayload,
  growthBacklog,
  startup,
  stores
]
