/**
 * The settings of what pods share: Redis, Kafka, locks.
 */
import type { CoordinationSettings } from "../../../services/Settings.ts"
import { host, integer, secretUrl, servers, toggle, tuning } from "../Kind.ts"
import { reachableAddress } from "../Machine.ts"
import type { Reader } from "../Reader.ts"

const redis = "coordination over Redis"
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
      meaning: "Coordinate pods over Redis.",
      later: redis
    }),
    redisUrl: read({
      name: "REDIS_URL",
      kind: secretUrl(["redis:", "rediss:"], "redis://user:password@host:6379"),
      default: undefined,
      meaning: "The Redis to use when ENABLE_REDIS=1.",
      later: redis
    }),
    distributedLocks: read({
      name: "ENABLE_DISTRIBUTED_LOCKS",
      kind: toggle,
      default: true,
      meaning: "Grant locks across pods that share a database. 0 grants them within one process."
    }),
    singlePod: read({
      name: "SINGLE_POD",
      kind: tuning(toggle),
      default: !onKubernetes,
      meaning: "No other pod works on the same data. Default: 1 outside of Kubernetes."
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
      meaning: "Where pods talk to each other, without keys: for no one else to reach."
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
