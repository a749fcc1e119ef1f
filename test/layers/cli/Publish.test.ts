import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { TestClock } from "effect/testing"
import { batchMax } from "../../../src/layers/cli/PublishLines.ts"
import { acceptAll, type Answer, type Asked, fakeBus, problem } from "./FakeBus.ts"
import { runCli } from "./RunCli.ts"

const accepted = { id: "id-1", topic: "orders", shard: 3, durability: "local", duplicate: false }

const fileWith = Effect.fnUntraced(function*(text: string) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(".run", { recursive: true })
  const path = yield* files.makeTempFileScoped({ directory: ".run" })
  yield* files.writeFileString(path, text)
  return path
}, Effect.provide(NodeFileSystem.layer))

describe("codefactory publish, one message", () => {
  it.effect("sends the payload byte for byte, with what the flags say", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => [202, accepted])
      const payload = "{\"n\": 12345678901234567890, \"x\": 1.0}"
      const { code, out } = yield* runCli([
        ...["publish", "orders", payload, "--url", bus.url, "--key", "k", "--priority", "7"],
        ...["--idempotency-key", "i", "--header", "a=1", "--header", "b=x=y"]
      ])
      assert.strictEqual(code, 0)
      assert.include(out, "accepted id-1")
      const [asked] = bus.asked
      assert.strictEqual(asked?.path, "/v1/topics/orders/messages")
      assert.strictEqual(asked?.contentType, "application/json")
      assert.include(asked?.body, `"payload":${payload}`)
      assert.deepInclude(JSON.parse(asked?.body ?? ""), {
        key: "k",
        priority: 7,
        idempotencyKey: "i",
        headers: { a: "1", b: "x=y" }
      })
    }))

  it.effect("delays it by the time or the seconds that flags say, not by both", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => [202, accepted])
      const sent = (...flags: ReadonlyArray<string>) =>
        runCli(["publish", "orders", "1", "--url", bus.url, ...flags])
      const at = "2030-01-31T12:00:00Z"
      assert.strictEqual((yield* sent("--deliver-at", at)).code, 0)
      yield* TestClock.setTime(Date.UTC(2030, 0, 1)) // Only reckons.
      assert.strictEqual((yield* sent("--delay", "90")).code, 0)
      assert.deepStrictEqual(bus.asked.map(({ body }) => JSON.parse(body).deliverAt), [
        at,
        "2030-01-01T00:01:30.000Z"
      ])
      const { code, err } = yield* sent("--deliver-at", at, "--delay", "90")
      assert.strictEqual(code, 2)
      assert.include(err, "exclude each other")
      assert.strictEqual((yield* sent("--delay", "-1")).code, 2)
      assert.lengthOf(bus.asked, 2)
    }))

  it.effect("takes the payload from a file, or as text", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => [202, { ...accepted, duplicate: true }])
      const path = yield* fileWith("[1,\n2]")
      const { out } = yield* runCli(["publish", "orders", "--file", path, "--url", bus.url])
      assert.include(out, "duplicate of id-1")
      const asText = yield* runCli([
        "publish",
        "orders",
        "say \"hi\"",
        "--text",
        "--json",
        "--url",
        bus.url
      ])
      assert.deepInclude(JSON.parse(asText.out), { id: "id-1", shard: 3 })
      assert.deepStrictEqual(bus.asked.map(({ body }) => JSON.parse(body).payload), [
        [1, 2],
        "say \"hi\""
      ])
    }))

  it.effect("refuses wrong usage before it sends anything, with exit code 2", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => [202, accepted])
      for (
        const args of [
          ["publish", "orders", "{"],
          ["publish", "orders", "1", "--priority", "10"],
          ["publish", "orders", "1", "--bogus"],
          ["publish", "orders", "1", "--ndjson"],
          ["publish", "orders", "-", "--idempotency-key", "k"],
          ["publish", "-", "--key", "k"]
        ]
      ) {
        const { code, err } = yield* runCli([...args, "--url", bus.url])
        assert.strictEqual(code, 2, args.join(" "))
        assert.match(err, /^codefactory: /)
      }
      assert.deepStrictEqual(bus.asked, [])
      assert.strictEqual((yield* runCli(["publish", "orders", "1", "--url", "nowhere"])).code, 2)
    }))

  it.effect("shows the problem of a refused message, with exit code 1", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => problem(403, "Reserved topic", "it belongs to the bus"))
      const { code, err } = yield* runCli(["publish", "_reply.x", "1", "--url", bus.url])
      assert.strictEqual(code, 1)
      assert.include(err, "Reserved topic: it belongs to the bus")
    }))

  it.effect("says that no bus answers, or none that accepts, with exit code 69", () =>
    Effect.gen(function*() {
      const none = yield* runCli(["publish", "orders", "1", "--url", "http://127.0.0.1:1"])
      assert.strictEqual(none.code, 69)
      assert.include(none.err, "codefactory serve")
      const closing = yield* fakeBus(() => problem(503, "Bus not running", "it is closing"))
      const refused = yield* runCli(["publish", "orders", "1", "--json", "--url", closing.url])
      assert.strictEqual(refused.code, 69)
      assert.deepInclude(JSON.parse(refused.err), { error: "BusUnavailable", exitCode: 69 })
      const other = yield* fakeBus(() => [200, "<html>"])
      assert.strictEqual((yield* runCli(["publish", "t", "1", "--url", other.url])).code, 69)
    }))
})

/** Refuses the lines of which the payload is negative. */
const refuseNegative = ({ body }: Asked): Answer => {
  const results = body.split("\n").map((line) =>
    JSON.parse(line).payload < 0
      ? { error: { title: "Invalid", detail: "negative", status: 400 } }
      : { id: "id", shard: 0, durability: "local", duplicate: false }
  )
  const refused = results.filter((result) => "error" in result).length
  return [refused === results.length ? 400 : 207, { results }]
}

describe("codefactory publish, line by line", () => {
  it.effect("publishes every line as a payload, in batches, in order", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(acceptAll)
      const count = 2 * batchMax + 1
      const text = Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join("")
      const { code, out } = yield* runCli([
        "publish",
        "orders",
        "-",
        "--key",
        "k",
        "--url",
        bus.url
      ], {
        stdin: [text.slice(0, 5_001), text.slice(5_001)]
      })
      assert.strictEqual(code, 0)
      assert.include(out, "accepted 2,001  refused 0")
      const lines = bus.asked.flatMap(({ body }) => body.split("\n"))
      assert.deepStrictEqual(lines.map((line) => JSON.parse(line).payload.n), [
        ...Array(count).keys()
      ])
      assert.isTrue(lines.every((line) => line.startsWith("{\"topic\":\"orders\",\"key\":\"k\",")))
      assert.isTrue(bus.asked.every(({ body }) => body.split("\n").length <= batchMax))
      assert.isTrue(bus.asked.every(({ contentType }) => contentType === "application/x-ndjson"))
    }))

  it.effect("without a topic every line is a message, sent as it is", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(acceptAll)
      const line = "{ \"topic\": \"a\", \"payload\": 1e2 }"
      const { out } = yield* runCli(["publish", "--ndjson", "--json", "--url", bus.url], {
        stdin: [`\uFEFF${line}\r\n\n`, line]
      })
      assert.strictEqual(bus.asked[0]?.body, line)
      assert.deepInclude(JSON.parse(out), { accepted: 2, refused: 0 })
    }))

  it.effect("a line cannot smuggle fields into its message", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(acceptAll)
      const { code, err } = yield* runCli(["publish", "orders", "-", "--url", bus.url], {
        stdin: ["1,\"key\":\"evil\"\n2\n"]
      })
      assert.strictEqual(code, 1)
      assert.include(err, "line 1 refused")
      assert.strictEqual(bus.asked[0]?.body, "{\"topic\":\"orders\",\"payload\":2}")
    }))

  it.effect("counts refused lines, names the first ones and ends with exit code 1", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(refuseNegative)
      const some = yield* runCli(["publish", "t", "-", "--url", bus.url], { stdin: ["1\n-2\n3\n"] })
      assert.strictEqual(some.code, 1)
      assert.include(some.err, "line 2 refused: Invalid: negative")
      assert.include(some.out, "accepted 2  refused 1")
      const all = yield* runCli(["publish", "t", "-", "--url", bus.url], {
        stdin: ["-1\n".repeat(50)]
      })
      assert.include(all.out, "accepted 0  refused 50")
      assert.lengthOf(all.err.split("\n").filter((line) => line.includes("refused:")), 5)
    }))

  it.effect("what is not UTF-8 ends the publishing with a summary of what came before", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(acceptAll)
      const { code, err, out } = yield* runCli(["publish", "t", "-", "--url", bus.url], {
        stdin: ["1\n2\n", new Uint8Array([0x22, 0xff, 0x22, 0x0a])]
      })
      assert.strictEqual(code, 1)
      assert.include(err, "line 3: the input is not UTF-8 text")
      assert.include(out, "accepted 2  refused 0")
    }))

  it.effect("a character cut in two by chunks arrives whole", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(acceptAll)
      const bytes = new TextEncoder().encode("\"€\"")
      yield* runCli(["publish", "t", "-", "--url", bus.url], {
        stdin: [bytes.slice(0, 2), bytes.slice(2)]
      })
      assert.include(bus.asked[0]?.body, "\"payload\":\"€\"")
    }))
})
