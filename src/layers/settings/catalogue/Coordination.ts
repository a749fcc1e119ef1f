/**
 * The settings of what pods share: Redis, Kafka, locks.
 */
import type { CoordinationSettings } from "../../../services/Settings.ts"
import {
  host,
  integer,
  password,
  prefix,
  redisUrl,
  servers,
  toggle,
  tuning,
  user
} from "../Kind.ts"
import { reachableAddress } from "../Machine.ts"
import type { Reader } from "../Reader.ts"

const kafka = "the event stream over Kafka"

/** What pods share. */
export const coordination = (reader: Reader, onKubernetes: boolean): CoordinationSettings => ({
  ...overRedis(reader, onKubernetes),
  ...overKafka(reader)
})

const overRedis = ({ read, requireAddress }: Reader, onKubernetes: boolean) => {
  const settings = {
    redis: read({
      name: "ENABLE_REDIS",
      kind: toggle,
      default: false,
      meaning: "Share locks, limits, idempotency keys and subscriptions among pods over Redis."
    }),
    redisUrl: read({
      name: "REDIS_URL",
      kind: redisUrl,
      default: undefined,
      meaning: "The Redis to use when ENABLE_REDIS=1: a server, a cluster, or its sentinels."
    }),
    redisUsername: read({
      name: "REDIS_USERNAME",
      kind: user,
      default: undefined,
      meaning: "The user at that Redis, in place of one in its address."
    }),
    redisPassword: read({
      name: "REDIS_PASSWORD",
      kind: password,
      default: undefined,
      meaning: "Its password, in place of one in the address."
    }),
    redisPrefix: read({
      name: "REDIS_KEY_PREFIX",
      kind: prefix,
      default: "codefactory:",
      meaning: "Begins every key there: another one for each environment that shares a Redis."
    }),
    distributedLocks: read({
      name: "ENABLE_DISTRIBUTED_LOCKS",
      kind: toggle,
      default: true,
      meaning: "Grant locks across pods that share a Redis or a database. 0: within one process."
    }),
    singlePod: read({
      name: "SINGLE_POD",
      kind: tuning(toggle),
      default: !onKubernetes,
      meaning: "This pod is the whole bus. Default: 1 outside of Kubernetes."
    }),
    podAddress: read({
      name: "POD_ADDRESS",
      kind: tuning(host),
      default: onKubernetes ? reachableAddress() : "127.0.0.1",
      meaning: "The address under which other pods reach this one. Default: the pod's own."
    }),
    podPort: read({
      name: "POD_PORT",
      kind: tuning(integer(1, 65_535)),
      default: 7_800,
      meaning: "Where pods talk to each other: for no one else to reach."
    })
  }
  requireAddress(settings.redis, "ENABLE_REDIS", "REDIS_URL")
  return settings
}

const overKafka = ({ read, requireAddress }: Reader) => {
  const settings = {
    kafka: read({
      name: "ENABLE_KAFKA",
      kind: toggle,
      default: false,
      meaning: "Stream events and the audit trail to Kafka.",
      later: kafka
    }),
    kafkaBrokers: read({
      name: "KAFKA_BROKERS",
      kind: servers,
      default: undefined,
      meaning: "The brokers to use when ENABLE_KAFKA=1.",
      later: kafka
    }) ?? [],
    kafkaSinkConcurrency: read({
      name: "KAFKA_SINK_CONCURRENCY",
      kind: integer(1, 1_024),
      default: 64,
      meaning: "Batches of events on their way to Kafka at once.",
      later: kafka
    })
  }
  requireAddress(settings.kafka, "ENABLE_KAFKA", "KAFKA_BROKERS")
  return settings
}
