import { assert, describe, it } from "@effect/vitest"
import { parseTraceparent, traceparentOf } from "../../src/domain/TraceContext.ts"

const trace = "0af7651916cd43dd8448eb211c80319c"
const span = "b7ad6b7169203331"

describe("trace context", () => {
  it("is read and written as the recommendation has it", () => {
    const text = `00-${trace}-${span}-01`
    const parent = parseTraceparent(text)
    assert.deepStrictEqual(parent, { traceId: trace, spanId: span, isSampled: true })
    if (parent !== undefined) assert.strictEqual(traceparentOf(parent), text)
    assert.isFalse(parseTraceparent(`00-${trace}-${span}-00`)?.isSampled)
    assert.isTrue(parseTraceparent(`01-${trace}-${span}-03-of-a-later-version`)?.isSampled)
  })

  it.each([
    undefined,
    "",
    "hello",
    `00-${trace}-${span}`,
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${"0".repeat(32)}-${span}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`
  ])("is none in %s, so the trace begins anew", (text) => {
    assert.isUndefined(parseTraceparent(text))
  })
})
