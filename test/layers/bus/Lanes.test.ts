import { assert, describe, it } from "@effect/vitest"
import { Lanes } from "../../../src/layers/bus/Lanes.ts"
import { state } from "../../../src/layers/bus/Pending.ts"
import { consumerOf, pendingOf } from "./Deliveries.ts"

const drain = (lanes: Lanes): ReadonlyArray<string> => {
  const taken: Array<string> = []
  for (let next = lanes.take(); next !== undefined; next = lanes.take()) {
    taken.push(`${next.entry.lane === 0 ? "h" : "n"}${next.entry.offset}`)
  }
  return taken
}

describe("the two lanes", () => {
  it("behaviour 18: serve one normal delivery after eight high ones", () => {
    const lanes = new Lanes()
    for (let offset = 0; offset < 20; offset++) {
      lanes.push(pendingOf({ lane: 0, offset }))
      lanes.push(pendingOf({ lane: 1, offset }))
    }
    const taken = drain(lanes)
    const normals = taken.flatMap((name, at) => name.startsWith("n") ? [at] : [])
    assert.deepStrictEqual(normals.slice(0, 2), [8, 17])
    assert.deepStrictEqual(taken.slice(0, 10).join(" "), "h0 h1 h2 h3 h4 h5 h6 h7 n0 h8")
    assert.strictEqual(taken.length, 40)
  })

  it("pitfall 6: a flood of high ones never stops a normal one, whenever it comes", () => {
    const lanes = new Lanes()
    const normal = pendingOf({ lane: 1 })
    for (let offset = 0; offset < 100; offset++) lanes.push(pendingOf({ lane: 0, offset }))
    for (let taken = 0; taken < 50; taken++) lanes.take()
    lanes.push(normal)
    const next = Array.from({ length: 9 }, () => lanes.take())
    assert.include(next, normal)
  })

  it("serve what comes back before what never went out, each in its order", () => {
    const lanes = new Lanes()
    ;[0, 1].forEach((offset) => lanes.push(pendingOf({ offset })))
    ;[2, 3].forEach((offset) => lanes.giveBack(pendingOf({ offset })))
    assert.deepStrictEqual(drain(lanes), ["n2", "n3", "n0", "n1"])
  })

  it("pass over what was settled meanwhile and what belongs to a consumer that is gone", () => {
    const lanes = new Lanes()
    const gone = consumerOf()
    gone.closed = true
    const settled = pendingOf({ offset: 1 })
    settled.state = state.settled
    ;[pendingOf({ consumer: gone }), settled, pendingOf({ offset: 2 })].forEach((delivery) =>
      lanes.push(delivery)
    )
    assert.deepStrictEqual(drain(lanes), ["n2"])
    assert.strictEqual(lanes.size(1), 0)
  })
})
