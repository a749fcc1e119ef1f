import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { format, ownRowLane, parse } from "../../src/domain/AckId.ts"

const number = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 36 ** 10 - 1 }))
const lane = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: ownRowLane }))

describe("an ack id", () => {
  it.prop(
    "names the hand-out that it was made from",
    {
      incarnation: number,
      logLane: lane,
      offset: number,
      attempt: number,
      handOut: number,
      epoch: number
    },
    (id) => assert.deepStrictEqual(parse(format(id)), id),
    { arbitrary: { runs: 500, seed: 14 } }
  )

  it.prop("is told from any other text", [Schema.String], ([text]) => {
    assert.isUndefined(parse(text))
  }, { arbitrary: { runs: 500, seed: 15 } })

  it.each([
    "",
    "1-2-3-4-5",
    "1-2-3-4-5-6-7",
    "1-2-3-4-5-",
    "-1-2-3-4-5",
    "1--3-4-5-6",
    "1-2-3-4-5-A",
    "1-2-3-4-5-6\n",
    " 1-2-3-4-5-6",
    "1-3l-3-4-5-6",
    "1-2-3-4-5-12345678901",
    "__proto__",
    "1-2-3-4-5-6".repeat(1_000)
  ])("is refused when it is %j", (text) => assert.isUndefined(parse(text)))
})
