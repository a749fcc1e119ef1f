/**
 * Capacity: what a pod gets done, and how many pods a load needs. Source: guide, "Capacity
 * planning", whose formulas and worked examples these are.
 */
import type { Histogram, Snapshot } from "./Snapshot.ts"

/** What is planned for. Times are milliseconds, memory is bytes, a message per second is a rate. */
export interface CapacityInputs {
  readonly shards: number
  /** Of each shard. */
  readonly workers: number
  /** What a handler takes for a message. */
  readonly processingMs: number
  /** Messages that a shard holds. */
  readonly queueMax: number
  /** The highest rate that has to be borne. */
  readonly peakPerSecond: number
  /** So many times what that needs. */
  readonly margin: number
  readonly coresPerWorker: number
  readonly coresBeside: number
  readonly messageBytes: number
  readonly workerBytes: number
  readonly bytesBeside: number
  /** Connections of a pod to its database. */
  readonly connections: number
}

/** The example of the guide. */
export const capacityExample: CapacityInputs = {
  shards: 8,
  workers: 4,
  processingMs: 100,
  queueMax: 10_000,
  peakPerSecond: 1_000,
  margin: 1.5,
  coresPerWorker: 0.05,
  coresBeside: 0.5,
  messageBytes: 1_000,
  workerBytes: 500e6,
  bytesBeside: 500e6,
  connections: 70
}

/** Fewest and most shards and workers of a shard. Source: guide. */
const most = { shards: 16, workers: 8 }

/** What comes out. */
export interface Capacity {
  /** Messages per second of one pod. */
  readonly perSecond: number
  /** Messages that one pod holds. */
  readonly held: number
  readonly pods: number
  /** Of one pod. */
  readonly cores: number
  readonly memoryBytes: number
  /** Of all pods. */
  readonly connections: number
  /** For how long a pod takes its share of the peak while its handlers stand still, in seconds. */
  readonly heldSeconds: number
  readonly profile: ProfileName
  /** The setting that bounds a pod first, and what to make of it. */
  readonly bottleneck: { readonly setting: string; readonly advice: string }
}

/** How large an installation is. */
export type ProfileName = "small" | "medium" | "large" | "extra large"

/** A size, and what stands beside the pods. Source: guide, "Deployment profiles", "Components". */
export interface Profile {
  readonly name: ProfileName
  readonly podsMax: number
  readonly shards: string
  readonly workers: string
  readonly resources: string
  readonly redis: string
  readonly postgres: string
  readonly kafka: string
  readonly prometheus: string
}

const largest: Profile = {
  name: "extra large",
  podsMax: Infinity,
  shards: "12-16",
  workers: "6-8",
  resources: "4 CPU, 8Gi",
  redis: "cluster of 5 or more",
  postgres: "Citus, 4 or more workers",
  kafka: "5 or more brokers",
  prometheus: "federated"
}

/** The sizes, smallest first. */
export const profiles: ReadonlyArray<Profile> = [
  {
    name: "small",
    podsMax: 2,
    shards: "4",
    workers: "2",
    resources: "500m CPU, 1Gi",
    redis: "single",
    postgres: "single",
    kafka: "none",
    prometheus: "single"
  },
  {
    name: "medium",
    podsMax: 5,
    shards: "6-8",
    workers: "3-4",
    resources: "1 CPU, 2Gi",
    redis: "single + replica",
    postgres: "single + replica",
    kafka: "1 broker",
    prometheus: "single"
  },
  {
    name: "large",
    podsMax: 10,
    shards: "8",
    workers: "4",
    resources: "2 CPU, 4Gi",
    redis: "cluster of 3",
    postgres: "Citus, 2 workers",
    kafka: "3 brokers",
    prometheus: "2 nodes"
  },
  largest
]

/** The size of an installation of so many pods. */
export const profileOf = (pods: number): Profile =>
  profiles.find(({ podsMax }) => pods <= podsMax) ?? largest

/** Plans for these. */
export const capacityOf = (inputs: CapacityInputs): Capacity => {
  const { margin, messageBytes, peakPerSecond, processingMs, queueMax, shards, workers } = inputs
  const all = shards * workers
  const perSecond = all * 1_000 / processingMs
  const held = shards * queueMax
  const pods = Math.max(1, Math.ceil(peakPerSecond / perSecond * margin))
  const share = peakPerSecond / pods
  return {
    perSecond,
    held,
    pods,
    cores: all * inputs.coresPerWorker + inputs.coresBeside,
    memoryBytes: held * messageBytes + inputs.workerBytes + inputs.bytesBeside,
    connections: pods * inputs.connections,
    heldSeconds: share === 0 ? Infinity : held / share,
    profile: profileOf(pods).name,
    bottleneck: bottleneckOf(inputs)
  }
}

/** What bounds a pod is how many handlers it runs at once, until nothing more can be had. */
const bottleneckOf = ({ shards, workers }: CapacityInputs): Capacity["bottleneck"] =>
  workers < most.workers
    ? {
      setting: "MESSAGE_BUS_WORKERS_PER_SHARD",
      advice: `up to ${most.workers} handlers of a shard at once make a pod faster`
    }
    : shards < most.shards
    ? {
      setting: "MESSAGE_BUS_SHARD_COUNT",
      advice: `up to ${most.shards} shards make a pod faster`
    }
    : {
      setting: "replicaCount",
      advice: "a pod runs as many handlers as it may: add pods, or make handlers quicker"
    }

/** What a running pod shows of itself; what it has not seen yet is absent. */
export const measuredOf = (
  { shards, subscriptions }: Snapshot
): Partial<Pick<CapacityInputs, "messageBytes" | "processingMs" | "shards" | "workers">> => {
  const seen = subscriptions.flatMap(({ callbackLatency, consumer }) =>
    consumer === "Handler" ? [callbackLatency] : []
  )
  const runs = seen.reduce((sum, one) => sum + countOf(one), 0)
  const seconds = seen.reduce((sum, one) => sum + one.sum, 0)
  const slots = shards.reduce((sum, one) => sum + one.slots, 0)
  const bytes = shards.reduce((sum, one) => sum + one.bytes, 0)
  const workers = shards.reduce((sum, one) => sum + one.workers, 0)
  return {
    shards: shards.length,
    workers: workers / Math.max(1, shards.length),
    ...runs === 0 ? {} : { processingMs: seconds / runs * 1_000 },
    ...slots === 0 ? {} : { messageBytes: bytes / slots }
  }
}

const countOf = ({ counts }: Histogram): number => counts.reduce((sum, count) => sum + count, 0)
