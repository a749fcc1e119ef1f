import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runCli } from "./RunCli.ts"

describe("codefactory audit verify", () => {
  it.effect("tells what is whole, and names the first line that is not, with exit code 1", () =>
    Effect.gen(function*() {
      const whole = yield* runCli(["audit", "verify", "whole"])
      assert.deepStrictEqual([whole.code, whole.out], [
        0,
        "a-8000: 1,200 lines in 2 files, whole from 5 to 1,204"
      ])
      const broken = yield* runCli(["audit", "verify", "broken"])
      assert.strictEqual(broken.code, 1)
      assert.include(broken.out, "b-8001: broken at f:7: altered")
      assert.include(broken.err, "the trail of b-8001 is broken")
      const none = yield* runCli(["audit", "verify", "empty"])
      assert.deepStrictEqual([none.code, none.out], [0, "there is no audit trail in empty"])
      const json = yield* runCli(["audit", "verify", "--json", "whole"])
      assert.strictEqual(JSON.parse(json.out)[0].lines, 1_200)
    }))
})
