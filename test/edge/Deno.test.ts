/**
 * Every test of the edge that speaks over real sockets, under Deno: the same tests, the same
 * clients, another server. What stays out there needs `node:http` by its nature.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { deno, denoMissing } from "../integration/DenoCommand.ts"
import { runToEnd, temporaryFolder } from "../integration/Service.ts"

/** Of rules that open no socket, or of parts of the front on `node:http`. */
const elsewhere = [
  "Deno",
  "FailureDelay",
  "Guard",
  "JsonScan",
  "NodeBody",
  "OpenApi",
  "PlainRequest",
  "StreamTimes"
]

const suites = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".test.ts") && !elsewhere.includes(name.split(".")[0] ?? ""))
  .map((name) => join("test", "edge", name))

const Report = Schema.Struct({
  testResults: Schema.Array(Schema.Struct({
    assertionResults: Schema.Array(Schema.Struct({
      status: Schema.String,
      title: Schema.String,
      failureMessages: Schema.Array(Schema.String)
    }))
  }))
})

/** What `Deno.serve` lacks, by the tests that say so. README, "On Deno", names each. */
const lacking = [
  "a body is asked for with 100 Continue only when it will be read",
  "a head that does not arrive in time is answered 408, and its socket ends",
  "of too many bytes that wait together, the oldest reply's are given up",
  "a connection has 1,000 requests under way at most; more are refused or not read",
  "requests that wait behind others end with their client as well",
  "many small headers hide none: an Origin behind 1,900 others is still seen"
]

/** Of the door on the bare socket, which only `node:http` lets stand before it. */
const ofNode = ["answers a publish with what node:http would, but for the spelling of names"]

describe("the edge on Deno", () => {
  it.live(
    "passes the tests of the edge over real sockets, but for what Deno lacks",
    (context) =>
      Effect.gen(function*() {
        if (denoMissing !== undefined) return context.skip(denoMissing)
        const file = join(yield* temporaryFolder, "report.json")
        const vitest = join("node_modules", "vitest", "vitest.mjs")
        const ended = yield* runToEnd([
          ...[deno, "run", "--allow-all", "--no-prompt", vitest, "run", ...suites],
          ...["--no-isolate", "--maxWorkers=2", "--reporter=json", "--reporter=default"],
          `--outputFile.json=${file}`
        ], { EDGE_CASES: "1000", NODE_OPTIONS: "" })
        const report = Schema.decodeUnknownSync(Report)(JSON.parse(readFileSync(file, "utf8")))
        const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
        const failed = tests.filter(({ status }) => status === "failed")
        assert.deepStrictEqual(failed, [])
        assert.strictEqual(ended.code, 0, `${ended.out.slice(-4_000)}${ended.err.slice(-2_000)}`)
        const skipped = tests.filter(({ status }) => status !== "passed").map(({ title }) => title)
        assert.sameMembers(skipped, [...lacking, ...ofNode])
        assert.isAbove(tests.length, 150)
        assert.strictEqual(report.testResults.length, suites.length)
      }),
    240_000
  )
})
