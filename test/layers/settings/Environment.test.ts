import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, FileSystem, Redacted } from "effect"
import { issuesOf, namesOf, settingsOf } from "./Reading.ts"

/** Text in a file of its own, gone after the test. */
const fileWith = Effect.fnUntraced(function*(text: string) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(".run", { recursive: true })
  const path = yield* files.makeTempFileScoped({ directory: ".run" })
  yield* files.writeFileString(path, text)
  return path
}, Effect.provide(NodeFileSystem.layer))

describe("settings that are legal", () => {
  it.effect("without any variable the documented defaults hold", () =>
    Effect.gen(function*() {
      const { notices, profile, shown, values } = yield* settingsOf({})
      assert.strictEqual(profile, "local")
      assert.strictEqual(values.bus.shardCount, 8)
      assert.strictEqual(values.bus.workersPerShard, 4)
      assert.strictEqual(values.bus.shardMessagesMax, 10_000)
      assert.isAtMost(values.bus.shardBytesMax, 64 * 1_048_576)
      assert.strictEqual(values.bus.fillHigh, 0.8)
      assert.strictEqual(values.bus.fillLow, 0.5)
      assert.strictEqual(values.bus.logBytesMax, 8 * 2 ** 30)
      assert.strictEqual(values.server.host, "127.0.0.1")
      assert.strictEqual(values.server.port, 8_000)
      assert.strictEqual(values.server.metricsPort, 9_090)
      assert.isTrue(Duration.equals(values.server.drain, Duration.seconds(25)))
      assert.strictEqual(values.server.requestsMax, 1_000)
      assert.isTrue(Duration.equals(values.server.requestsWindow, Duration.seconds(60)))
      assert.isFalse(values.server.proxyTrusted)
      assert.strictEqual(values.store.dataDir, "./data")
      assert.strictEqual(values.store.poolSize, 50)
      assert.isTrue(Duration.equals(values.store.retryDelay, Duration.seconds(1)))
      assert.isUndefined(values.agents.dir)
      assert.isTrue(values.agents.parallelLoading)
      assert.isTrue(values.agents.modelsLazy)
      assert.isFalse(values.agents.checkSkipped)
      assert.isFalse(values.agents.watched)
      assert.isTrue(Duration.equals(values.server.startupTimeout, Duration.seconds(90)))
      assert.deepStrictEqual(notices, [])
      assert.isTrue(shown.every(({ source }) => source === "default"))
    }))

  it.effect("features of later versions are off by default, also where the guide says on", () =>
    Effect.gen(function*() {
      const { values } = yield* settingsOf({})
      assert.isTrue(values.scaling.autoScale)
      assert.isTrue(values.scaling.guardian)
      assert.isFalse(values.coordination.kafka)
    }))

  it.effect("AGENTS_DIR is a directory that is there", () =>
    Effect.gen(function*() {
      const { notices, values } = yield* settingsOf({ AGENTS_DIR: "examples" })
      assert.strictEqual(values.agents.dir, "examples")
      assert.deepStrictEqual(notices, [])
      const [issue] = yield* issuesOf({ AGENTS_DIR: "examples/none" })
      assert.deepStrictEqual(issue, {
        name: "AGENTS_DIR",
        found: "\"examples/none\"",
        expected: "a directory that can be read",
        remedy: "create it, correct the path or unset it: it does not exist"
      })
    }))

  it.effect("behaviour 79: MESSAGE_BUS_SHARD_COUNT sets the number of shards", () =>
    Effect.gen(function*() {
      for (const count of [2, 8, 16]) {
        const { shown, values } = yield* settingsOf({ MESSAGE_BUS_SHARD_COUNT: `${count}` })
        assert.strictEqual(values.bus.shardCount, count)
        assert.strictEqual(values.scaling.shardCountMin, count)
        const entry = shown.find(({ name }) => name === "MESSAGE_BUS_SHARD_COUNT")
        assert.strictEqual(entry?.source, "environment")
      }
    }))

  it.effect("ENABLE_DATABASE=0 keeps messages in memory", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* settingsOf({ ENABLE_DATABASE: "0" })).profile, "memory")
      assert.strictEqual((yield* settingsOf({ ENABLE_DATABASE: "1" })).profile, "local")
    }))

  it.effect("switches are words in upper or lower case, and blank means not set", () =>
    Effect.gen(function*() {
      for (const text of ["0", "false", "FALSE", "no", "Off"]) {
        assert.strictEqual((yield* settingsOf({ ENABLE_DATABASE: text })).profile, "memory", text)
      }
      for (const text of ["1", "true", "YES", "on", "", "  ", undefined]) {
        assert.strictEqual((yield* settingsOf({ ENABLE_DATABASE: text })).profile, "local", text)
      }
    }))

  it.effect("ALLOW_ANONYMOUS=1 lets the bus listen beyond this machine", () =>
    Effect.gen(function*() {
      const { values } = yield* settingsOf({ HOST: "0.0.0.0", ALLOW_ANONYMOUS: "1" })
      assert.strictEqual(values.server.host, "0.0.0.0")
      for (const host of ["localhost", "127.0.0.9", "::1"]) {
        assert.strictEqual((yield* settingsOf({ HOST: host })).values.server.host, host)
      }
    }))

  it.effect("API_KEYS_FILE lets it too, and then ALLOW_ANONYMOUS changes nothing", () =>
    Effect.gen(function*() {
      const keyed = { HOST: "0.0.0.0", API_KEYS_FILE: "keys.json" }
      const { notices, values } = yield* settingsOf(keyed)
      assert.strictEqual(values.server.apiKeysFile, "keys.json")
      assert.deepStrictEqual(notices, [])
      const both = yield* settingsOf({ ...keyed, ALLOW_ANONYMOUS: "1" })
      assert.include(both.notices[0], "ALLOW_ANONYMOUS")
    }))

  it.effect("a number for a later feature is accepted with a notice", () =>
    Effect.gen(function*() {
      const { notices, values } = yield* settingsOf({ KAFKA_SINK_CONCURRENCY: "10" })
      assert.strictEqual(values.coordination.kafkaSinkConcurrency, 10)
      assert.lengthOf(notices, 1)
      assert.include(notices[0], "KAFKA_SINK_CONCURRENCY")
      assert.deepStrictEqual((yield* settingsOf({ KAFKA_SINK_CONCURRENCY: "64" })).notices, [])
    }))

  it.effect("an address of a database chooses it, unless messages are kept in memory", () =>
    Effect.gen(function*() {
      const url = { DATABASE_URL: "postgres://bus@db/bus" }
      assert.strictEqual((yield* settingsOf(url)).profile, "postgres")
      assert.strictEqual((yield* settingsOf({ ...url, ENABLE_DATABASE: "0" })).profile, "memory")
    }))

  it.effect("on Kubernetes a pod is not taken to be the only one", () =>
    Effect.gen(function*() {
      const here = yield* settingsOf({})
      const there = yield* settingsOf({ KUBERNETES_SERVICE_HOST: "10.0.0.1" })
      assert.isTrue(here.values.coordination.singlePod)
      assert.isFalse(there.values.coordination.singlePod)
    }))
})

describe("names that are no settings", () => {
  it.effect("a typo is refused, with the name that was meant", () =>
    Effect.gen(function*() {
      const [issue] = yield* issuesOf({ ENABLE_KAFAK: "hunter2" })
      assert.strictEqual(issue?.name, "ENABLE_KAFAK")
      assert.strictEqual(issue?.expected, "ENABLE_KAFKA")
      assert.notInclude(JSON.stringify(issue), "hunter2")
    }))

  it.effect("a name near to nothing is refused without a guess", () =>
    Effect.gen(function*() {
      const [issue] = yield* issuesOf({ ENABLE_TELEPORTATION_DEVICE: "1" })
      assert.strictEqual(issue?.expected, "no such variable")
    }))

  it.effect("variables of others are left alone, also those Kubernetes makes for a Service", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* namesOf({
          PATH: "/bin",
          SHARD_COUNT: "99",
          MESSAGE_BUS_SERVICE_HOST: "10.0.0.1",
          MESSAGE_BUS_SERVICE_PORT_HTTP: "8000",
          MESSAGE_BUS_PORT: "tcp://10.0.0.1:8000",
          MESSAGE_BUS_PORT_8000_TCP_ADDR: "10.0.0.1"
        }),
        []
      )
    }))
})

describe("secrets", () => {
  const secret = "hunter2"

  it.effect("a secret is never shown, legal or not", () =>
    Effect.gen(function*() {
      const legal = yield* settingsOf({ REDIS_URL: `redis://user:${secret}@host:6379` })
      const { redisUrl } = legal.values.coordination
      assert.include(redisUrl === undefined ? "" : Redacted.value(redisUrl), secret)
      assert.notInclude(JSON.stringify(legal), secret)
      for (const text of [secret, `mysql://:${secret}@host`, `postgres://u:${secret}@`]) {
        const issues = yield* issuesOf({ DATABASE_URL: text })
        assert.lengthOf(issues, 1)
        assert.notInclude(JSON.stringify(issues), secret)
      }
    }))

  it.effect("a secret may come from the file that NAME_FILE names", () =>
    Effect.gen(function*() {
      const path = yield* fileWith(`redis://:${secret}@host:6379\n`)
      const { shown, values } = yield* settingsOf({ REDIS_URL_FILE: path })
      const { redisUrl } = values.coordination
      assert.strictEqual(
        redisUrl === undefined ? "" : Redacted.value(redisUrl),
        `redis://:${secret}@host:6379`
      )
      const entry = shown.find(({ name }) => name === "REDIS_URL")
      assert.strictEqual(entry?.source, "file")
      assert.strictEqual(entry?.value, "<redacted>")
    }))

  it.effect("a file that is missing, empty or given beside the value is refused", () =>
    Effect.gen(function*() {
      const empty = yield* fileWith("  \n")
      const full = yield* fileWith("redis://host:6379")
      for (
        const variables of [
          { REDIS_URL_FILE: `${empty}.missing` },
          { REDIS_URL_FILE: "/" },
          { REDIS_URL_FILE: empty },
          { REDIS_URL_FILE: full, REDIS_URL: "redis://host:6379" }
        ]
      ) assert.deepStrictEqual(yield* namesOf(variables), ["REDIS_URL_FILE"])
    }))
})
