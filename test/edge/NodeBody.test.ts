import { assert, describe, it } from "@effect/vitest"
import { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { edgeLimits } from "../../src/layers/edge/EdgeLimits.ts"
import { readBody } from "../../src/layers/edge/NodeBody.ts"

const { bodiesBytesMax } = edgeLimits

const read = (budget: { bytes: number }, chunks: ReadonlyArray<string>) => {
  const request = new IncomingMessage(new Socket())
  const closed = new Promise((resolve) => request.once("close", resolve))
  const body = new Promise<Uint8Array | { readonly _tag: string }>((resolve) =>
    readBody(request, 1_000, budget, resolve)
  )
  for (const chunk of chunks) request.push(chunk)
  request.push(null)
  return { body, closed, request }
}

describe("reading bodies", () => {
  it("stops when all bodies take more than they may, and gives back what it took", async () => {
    const budget = { bytes: bodiesBytesMax - 1 }
    const { body, closed, request } = read(budget, ["a", "bc", "d"])
    assert.strictEqual(Reflect.get(await body, "_tag"), "EdgeBusy")
    request.destroy()
    await closed
    assert.strictEqual(budget.bytes, bodiesBytesMax - 1)
  })

  it("gives the budget back after a body of several pieces", async () => {
    const budget = { bytes: 0 }
    const { body, closed } = read(budget, ["ab", "cd", "ef"])
    assert.strictEqual(Buffer.from(await body as Uint8Array).toString(), "abcdef")
    await closed
    assert.strictEqual(budget.bytes, 0)
  })

  it("does not count a body that came in one piece", async () => {
    const { body } = read({ bytes: bodiesBytesMax }, ["abc"])
    assert.strictEqual(Buffer.from(await body as Uint8Array).toString(), "abc")
  })
})
