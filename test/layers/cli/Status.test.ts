import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Answer, type Asked, fakeBus } from "./FakeBus.ts"
import { runCli } from "./RunCli.ts"

const answers = (ready: Answer): Readonly<Record<string, Answer>> => ({
  "/readyz": ready,
  "/v1/info": [200, {
    name: "codefactory",
    version: "9.9.9",
    profile: "local",
    durability: "local",
    uptimeMs: 3_723_000,
    limits: {}
  }],
  "/v1/shards": [200, {
    count: 1,
    shards: [{
      id: 0,
      state: "running",
      queued: { high: 1, normal: 12_345 },
      bytes: 0,
      workers: 4,
      inFlight: 2
    }]
  }],
  "/v1/subscriptions": [200, {
    subscriptions: [{
      name: "billing",
      topic: "orders.>",
      pending: 7,
      inFlight: 1,
      acked: 1_000,
      deadLetters: 1
    }]
  }]
})

const busWith = (ready: Answer) =>
  fakeBus(({ path }: Asked) => answers(ready)[path] ?? [404, { title: "Not found" }])

describe("codefactory status", () => {
  it.effect("shows readiness, shards, subscriptions and dead letters, aligned", () =>
    Effect.gen(function*() {
      const bus = yield* busWith([200, { status: "degraded", degraded: ["one worker restarted"] }])
      const { code, out } = yield* runCli(["status", "--url", bus.url])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(out.split("\n"), [
        `Code Factory Bus 9.9.9 at ${bus.url}: degraded`,
        "profile local, durability local, up 1h 2m 3s",
        "degraded: one worker restarted",
        "",
        "SHARD  STATE    HIGH  NORMAL  BYTES  WORKERS  IN FLIGHT",
        "    0  running     1  12,345      0        4          2",
        "",
        "SUBSCRIPTION  TOPIC     PENDING  IN FLIGHT  ACKED  DEAD LETTERS",
        "billing       orders.>        7          1  1,000             1",
        "",
        "1 dead letter; codefactory dead-letters list shows them"
      ])
    }))

  it.effect("shows all pods, where there are several", () =>
    Effect.gen(function*() {
      const pod = {
        pod: "bus-0-7800",
        address: "http://10.0.0.1:7800",
        version: "9.9.9",
        seenMs: 1_200,
        snapshot: {
          state: "Running",
          published: 12_345,
          subscriptions: [{ pending: 3, inFlight: 1 }, { pending: 4, inFlight: 0 }]
        }
      }
      const lost = { pod: "bus-1-7800", detail: "no answer" }
      const of = (pods: ReadonlyArray<unknown>) =>
        fakeBus(({ path }: Asked) =>
          path === "/v1/snapshot?scope=cluster"
            ? [200, { pods }]
            : answers([200, { status: "ok", degraded: [] }])[path] ?? [404, {}]
        )
      const bus = yield* of([pod, lost])
      const { out } = yield* runCli(["status", "--url", bus.url])
      assert.deepStrictEqual(out.split("\n").slice(2, 6), [
        "",
        "POD         STATE      ADDRESS               VERSION  SEEN     PUBLISHED  PENDING  " +
        "IN FLIGHT",
        "bus-0-7800  running    http://10.0.0.1:7800    9.9.9  2 s ago     12,345        7  " +
        "        1",
        "bus-1-7800  no answer  -                           -  0 s ago          0        0  " +
        "        0"
      ])
      const alone = yield* of([pod])
      assert.notInclude((yield* runCli(["status", "--url", alone.url])).out, "POD")
      const asJson = yield* runCli(["status", "--json", "--url", bus.url])
      assert.lengthOf(JSON.parse(asJson.out).pods, 2)
    }))

  it.effect("shows a bus that is closing as well, with exit code 69", () =>
    Effect.gen(function*() {
      const bus = yield* busWith([503, { status: "closing", degraded: [] }])
      const { code, out } = yield* runCli(["status", "--json", "--url", bus.url])
      assert.strictEqual(code, 69)
      assert.deepInclude(JSON.parse(out).readiness, { status: "closing" })
      assert.strictEqual(JSON.parse(out).shards.length, 1)
    }))

  it.effect("takes another server for none", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => [200, { hello: "world" }])
      assert.strictEqual((yield* runCli(["status", "--url", bus.url])).code, 69)
    }))
})

describe("codefactory config", () => {
  it.effect("prints every setting with value, source and meaning, secrets redacted", () =>
    Effect.gen(function*() {
      const { code, out } = yield* runCli(["config"], {
        variables: { MESSAGE_BUS_SHARD_COUNT: "4", REDIS_URL: "redis://:hunter2@host:6379" }
      })
      assert.strictEqual(code, 0)
      assert.match(out, /^MESSAGE_BUS_SHARD_COUNT +4 +environment +Shards/m)
      assert.match(out, /^PORT +8000 +default +Port/m)
      assert.match(out, /^REDIS_URL +<redacted> +environment/m)
      assert.notInclude(out, "hunter2")
    }))

  it.effect("lists illegal settings with exit code 78, also as JSON", () =>
    Effect.gen(function*() {
      const variables = { MESSAGE_BUS_SHARD_COUNT: "99", PORT: "x" }
      const text = yield* runCli(["config"], { variables })
      assert.strictEqual(text.code, 78)
      assert.include(text.err, "2 illegal settings")
      assert.include(text.err, "expected  a whole number from 2 to 16")
      const asJson = yield* runCli(["config", "--json"], { variables })
      assert.strictEqual(asJson.code, 78)
      assert.lengthOf(JSON.parse(asJson.err).issues, 2)
    }))
})

describe("codefactory", () => {
  it.effect("--help of every command ends with the exit codes", () =>
    Effect.gen(function*() {
      for (const command of ["", "serve", "publish", "subscribe", "status", "config"]) {
        const { code, out } = yield* runCli([...(command === "" ? [] : [command]), "--help"])
        assert.strictEqual(code, 0)
        const codes = out.slice(out.indexOf("EXIT CODES\n")).matchAll(/^  (\d+) +\S/gm)
        assert.deepStrictEqual([...codes].map(([, code]) => Number(code)), [
          0,
          1,
          2,
          3,
          69,
          71,
          74,
          75,
          78,
          130
        ])
      }
    }))

  it.effect("--version prints the version; an unknown command is wrong usage", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* runCli(["--version"])).out, "codefactory 1.2.3")
      const { code, err } = yield* runCli(["publich"])
      assert.strictEqual(code, 2)
      assert.include(err, "publich")
    }))
})
