import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { logLaneCount } from "../../src/domain/Position.ts"
import {
  formatPosition,
  parsePosition,
  positionLengthMax,
  type TailPosition
} from "../../src/domain/TailPosition.ts"

const offset = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const lane = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: logLaneCount - 1 }))

const positionOf = (
  lanes: ReadonlyArray<readonly [lane: number, offset: number]>,
  log = 0,
  epoch = 1
): TailPosition => {
  const next = new Float64Array(logLaneCount)
  for (const [lane, offset] of lanes) next[lane] = offset
  return { log, epoch, next }
}

describe("a position", () => {
  it.prop("comes back from its text as it was", {
    lanes: Schema.Array(Schema.Tuple([lane, offset])),
    log: offset,
    epoch: offset
  }, ({ epoch, lanes, log }) => {
    const position = positionOf(lanes, log, epoch)
    const text = formatPosition(position)
    assert.match(text, /^[A-Za-z0-9_-]+\.[a-z0-9]+$/)
    assert.deepStrictEqual(Result.getOrThrow(parsePosition(text)), position)
  }, { arbitrary: { runs: 500, seed: 3 } })

  it("is short when little happened, and within its limit at the largest offsets", () => {
    assert.isAtMost(formatPosition(positionOf([[5, 1_000]])).length, 40)
    const all = Array.from(
      { length: logLaneCount },
      (_, at) => [at, Number.MAX_SAFE_INTEGER] as const
    )
    const largest = positionOf(all, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    assert.isAtMost(formatPosition(largest).length, positionLengthMax)
    assert.isTrue(Result.isSuccess(parsePosition(formatPosition(largest))))
  })

  it("that was cut off, changed or made up is refused", () => {
    const text = formatPosition(positionOf([[0, 300], [127, 7]]))
    const [body = "", sum = ""] = text.split(".")
    const wrong = ["", ".", "x", body, `${body}.`, `.${sum}`, `${text}.`, `${body}A.${sum}`, "é.0"]
    const cut = Array.from({ length: text.length - 1 }, (_, at) => text.slice(0, at))
    for (const made of [...wrong, ...cut, "A".repeat(5_000)]) {
      assert.isTrue(Result.isFailure(parsePosition(made)), made)
    }
    for (let at = 0; at < body.length; at++) {
      const changed = `${body.slice(0, at)}${body[at] === "A" ? "B" : "A"}${
        body.slice(at + 1)
      }.${sum}`
      assert.isTrue(Result.isFailure(parsePosition(changed)), changed)
    }
  })
})
