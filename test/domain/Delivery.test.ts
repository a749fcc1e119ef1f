import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { afterFailure, beforeAttempt, type Outcome } from "../../src/domain/Delivery.ts"
import { errorLengthMax } from "../../src/domain/ErrorWords.ts"
import { noFates } from "../../src/domain/Fate.ts"
import { retryDefault } from "../../src/domain/RetryPolicy.ts"

const failure = { tag: "No", error: "no", isPermanent: false }

const attempts = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))

describe("the decision about a delivery", () => {
  it.prop("pitfalls 19, 20: tries again until the last attempt, then keeps a dead letter", {
    attemptsMax: attempts,
    random: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  }, ({ attemptsMax, random }) => {
    const policy = { ...retryDefault, attemptsMax }
    const outcomes = Array.from(
      { length: attemptsMax },
      (_, index) => afterFailure(policy, noFates, index + 1, failure, random)
    )
    const last: Outcome | undefined = outcomes.pop()
    assert.deepStrictEqual(last, {
      _tag: "DeadLetter",
      reason: "AttemptsExhausted",
      error: "no"
    })
    assert.isTrue(outcomes.every(({ _tag }) => _tag === "Redeliver"))
  }, { arbitrary: { runs: 200, seed: 12 } })

  it.prop("keeps a dead letter at once when the handler says that trying again cannot help", {
    attempt: attempts
  }, ({ attempt }) =>
    assert.deepStrictEqual(
      afterFailure(retryDefault, noFates, attempt, {
        tag: "PermanentFailure",
        error: "never",
        isPermanent: true
      }, 0.5),
      { _tag: "DeadLetter", reason: "Permanent", error: "never" }
    ), { arbitrary: { runs: 50, seed: 16 } })

  it("waits as the retry policy says", () => {
    const [first, third] = [1, 3].map((n) => afterFailure(retryDefault, noFates, n, failure, 0.5))
    assert.deepStrictEqual(first, { _tag: "Redeliver", afterMs: 10 })
    assert.deepStrictEqual(third, { _tag: "Redeliver", afterMs: 40 })
  })

  it("keeps at most 4,096 characters of an error", () => {
    const kept = afterFailure(
      retryDefault,
      noFates,
      4,
      { ...failure, error: "x".repeat(10_000) },
      0
    )
    assert.strictEqual(kept._tag === "DeadLetter" ? kept.error.length : 0, errorLengthMax)
  })

  it.prop("lets an attempt run that the policy allows and whose message has not expired", {
    attempt: attempts,
    attemptsMax: attempts
  }, ({ attempt, attemptsMax }) => {
    const decided = beforeAttempt({ ...retryDefault, attemptsMax }, attempt, undefined, 5)
    assert.strictEqual(decided?._tag, attempt > attemptsMax ? "DeadLetter" : undefined)
  }, { arbitrary: { runs: 200, seed: 13 } })

  it("counts an attempt during which the process ended: the next one is one too many", () =>
    assert.deepInclude(beforeAttempt(retryDefault, 5, undefined, 0), {
      _tag: "DeadLetter",
      reason: "ProcessLost"
    }))

  it("ends a delivery at the very millisecond of its expiry, whatever its attempts", () => {
    assert.isUndefined(beforeAttempt(retryDefault, 1, 1_000, 999))
    assert.deepStrictEqual(beforeAttempt(retryDefault, 1, 1_000, 1_000), { _tag: "Expire" })
    assert.deepStrictEqual(beforeAttempt(retryDefault, 9, 1_000, 1_001), { _tag: "Expire" })
  })
})
