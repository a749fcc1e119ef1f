/**
 * The executor under Deno: the contract over threads, and a handler that never returns.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { deno, denoMissing } from "../../integration/DenoCommand.ts"
import { runToEnd } from "../../integration/Service.ts"

const suites = ["WorkerThreads", "Blocking"].map((name) =>
  join("test", "layers", "executor", `${name}.test.ts`)
)

describe("the executor on Deno", () => {
  it.live(
    "keeps its contract, and ends threads that are blocked",
    (context) =>
      Effect.gen(function*() {
        if (denoMissing !== undefined) return context.skip(denoMissing)
        const vitest = join("node_modules", "vitest", "vitest.mjs")
        const ended = yield* runToEnd([
          ...[deno, "run", "--allow-all", "--no-prompt", vitest, "run", ...suites],
          ...["--no-isolate", "--maxWorkers=1"]
        ], { NODE_OPTIONS: "" })
        assert.strictEqual(ended.code, 0, ended.out.slice(-4_000) + ended.err.slice(-2_000))
      }),
    240_000
  )
})
