import { assert, describe, it } from "@effect/vitest"
import { Exit } from "effect"
import * as Schema from "effect/Schema"
import { nextGate, Watermarks, watermarksDefault } from "../../src/domain/Watermark.ts"

const decode = Schema.decodeUnknownExit(Watermarks)

describe("watermarks", () => {
  it("refuse 0 and less, more than 1 and the wrong order; 1 is allowed (behaviour 49)", () => {
    assert.isTrue(Exit.isSuccess(decode({ high: 1, low: 0.5 })))
    assert.isTrue(Exit.isSuccess(decode(watermarksDefault)))
    for (
      const marks of [
        { high: 0, low: 0.5 },
        { high: -1, low: -2 },
        { high: 1.01, low: 0.5 },
        { high: 0.8, low: 0 },
        { high: 0.5, low: 0.5 },
        { high: 0.4, low: 0.5 },
        { high: Number.NaN, low: 0.5 }
      ]
    ) {
      assert.isTrue(Exit.isFailure(decode(marks)), JSON.stringify(marks))
    }
  })

  it("close a gate at the high mark and open it below the low one (pitfall 14)", () => {
    assert.strictEqual(nextGate("Open", 0.799, watermarksDefault), "Open")
    assert.strictEqual(nextGate("Open", 0.8, watermarksDefault), "Closed")
    assert.strictEqual(nextGate("Closed", 0.5, watermarksDefault), "Closed")
    assert.strictEqual(nextGate("Open", 0.5, watermarksDefault), "Open")
    assert.strictEqual(nextGate("Closed", 0.499, watermarksDefault), "Open")
    assert.strictEqual(nextGate("Open", 3, watermarksDefault), "Closed")
  })
})
