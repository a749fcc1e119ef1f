import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Asked, fakeBus } from "./FakeBus.ts"
import { runCli } from "./RunCli.ts"

describe("codefactory capacity", () => {
  it.effect("prints the worked example of the guide, and how it came about", () =>
    Effect.gen(function*() {
      const { code, out } = yield* runCli(["capacity"])
      assert.strictEqual(code, 0)
      const lines = out.split("\n")
      for (
        const [line, value] of [
          [/^a pod gets done +320 msg\/s +8 shards x 4 workers \/ 0.1 s$/, "throughput"],
          [/^a pod holds +80,000 messages +8 shards x 10,000, 400 s of its share/, "queue"],
          [/^pods +5 +1,000 msg\/s \/ 320 x 1.5$/, "pods"],
          [/^cores of a pod +2.1 +32 workers x 0.05 \+ 0.5$/, "cores"],
          [/^memory of a pod +1.08 GB /, "memory"],
          [/^bottleneck: MESSAGE_BUS_WORKERS_PER_SHARD; /, "bottleneck"]
        ] as const
      ) assert.isTrue(lines.some((text) => line.test(text)), `${value}\n${out}`)
    }))

  it.effect("plans with what is given, and with what a bus has measured for the rest", () =>
    Effect.gen(function*() {
      const given = yield* runCli(["capacity", "--json", "--peak", "5000", "--workers", "8"])
      assert.deepInclude(JSON.parse(given.out), { perSecond: 640, pods: 12 })
      const bus = yield* fakeBus(({ path }: Asked) =>
        path === "/v1/capacity"
          ? [200, {
            inputs: { shards: 2, processingMs: 50, workers: 3, margin: 9 },
            measured: ["shards", "workers", "processingMs"]
          }]
          : [404, {}]
      )
      const args = ["capacity", "--json", "--measured", "--workers", "4", "--url", bus.url]
      const measured = yield* runCli(args)
      const { inputs, perSecond } = JSON.parse(measured.out)
      assert.deepInclude(inputs, { shards: 2, workers: 4, processingMs: 50, margin: 1.5 })
      assert.strictEqual(perSecond, 160)
    }))

  it.effect("refuses what no pod has", () =>
    Effect.gen(function*() {
      for (const flag of [["--margin", "0.5"], ["--shards", "0"], ["--processing-ms", "0"]]) {
        assert.strictEqual((yield* runCli(["capacity", ...flag])).code, 2, flag.join(" "))
      }
    }))
})
