import { assert, describe, it } from "@effect/vitest"
import { afterFailure } from "../../src/domain/Delivery.ts"
import { tagOf } from "../../src/domain/ErrorWords.ts"
import { fateOf, noFates } from "../../src/domain/Fate.ts"
import { retryDefault } from "../../src/domain/RetryPolicy.ts"

const permanent = { tag: "Gone", error: "no", isPermanent: true }
const transient = { ...permanent, isPermanent: false }

describe("the fate of a failure", () => {
  it("is found by the tag of its error, and only by its own", () => {
    assert.strictEqual(fateOf({ Gone: "park" }, "Gone"), "park")
    assert.isUndefined(fateOf({ Gone: "park" }, "Other"))
    assert.isUndefined(fateOf(noFates, "constructor"))
    assert.isUndefined(fateOf({ undefined: "drop" }, undefined))
  })

  it("acts at the first attempt; a permanent failure is dead unless it says otherwise", () => {
    const decide = (fate: "retry" | "park" | "deadLetter" | "drop", failure = transient) =>
      afterFailure(retryDefault, { Gone: fate }, 1, failure, 0.5)
    assert.deepStrictEqual(decide("park"), { _tag: "Park", reason: "Fate", error: "no" })
    assert.deepStrictEqual(decide("drop"), { _tag: "Drop", reason: "Gone" })
    assert.deepInclude(decide("deadLetter"), { _tag: "DeadLetter", reason: "Permanent" })
    assert.strictEqual(decide("retry", permanent)._tag, "Redeliver")
    assert.strictEqual(decide("park", permanent)._tag, "Park")
    assert.strictEqual(afterFailure(retryDefault, noFates, 1, permanent, 0)._tag, "DeadLetter")
  })

  it("ends a retried failure among the dead letters after its last attempt", () =>
    assert.deepInclude(
      afterFailure(retryDefault, { Gone: "retry" }, retryDefault.attemptsMax, permanent, 0),
      { _tag: "DeadLetter", reason: "AttemptsExhausted" }
    ))
})

describe("the tag of an error", () => {
  it("is its _tag, or else its name; a text or nothing has none", () => {
    assert.strictEqual(tagOf({ _tag: "Declined", name: "Error" }), "Declined")
    assert.strictEqual(tagOf(new TypeError("no")), "TypeError")
    assert.strictEqual(tagOf({ _tag: 7, name: "Odd" }), "Odd")
    for (const value of [undefined, null, "text", 1, {}, { _tag: "" }]) {
      assert.isUndefined(tagOf(value))
    }
  })

  it("pitfall 18: is none when reading it throws", () => {
    const hostile = {
      get _tag(): string {
        throw new Error("no tag for you")
      }
    }
    assert.isUndefined(tagOf(hostile))
  })
})
