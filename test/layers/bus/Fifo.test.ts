import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Fifo } from "../../../src/layers/bus/Fifo.ts"

const acts = Schema.Array(
  Schema.Literals(["push", "push", "push", "unshift", "shift", "shift", "clear"])
).check(Schema.isMaxLength(200))

describe("a queue", () => {
  it.prop("gives back what an array gives back, in the same order", { acts }, ({ acts }) => {
    const fifo = new Fifo<number>()
    const model: Array<number> = []
    acts.forEach((act, n) => {
      if (act === "clear" && n % 5 !== 0) return
      switch (act) {
        case "push":
          fifo.push(n)
          model.push(n)
          break
        case "unshift":
          fifo.unshift(n)
          model.unshift(n)
          break
        case "shift":
          assert.strictEqual(fifo.shift(), model.shift())
          break
        case "clear":
          fifo.clear()
          model.length = 0
      }
      assert.strictEqual(fifo.length, model.length)
      model.forEach((item, at) => assert.strictEqual(fifo.at(at), item))
      assert.isUndefined(fifo.at(model.length))
    })
  }, { arbitrary: { runs: 200 } })
})
