import { assert, describe, it } from "@effect/vitest"
import { claimsMax, claimTtlMs, scopeOf } from "../../../src/domain/IdempotencyKey.ts"
import { Deduplication } from "../../../src/layers/bus/Deduplication.ts"
import { fingerprintOf } from "../../../src/layers/drivers/hash/Fingerprint.ts"
import { seededRandom } from "../../simulation/SeededRandom.ts"
import { draft } from "./Drafts.ts"

const claimsOf = (keysMax = 1_000, ttlMs = claimTtlMs) => new Deduplication({ keysMax, ttlMs }, [])

const accept = (claims: Deduplication, scope: string, now: number, id = scope): void => {
  claims.begin(scope, "f")
  claims.accept(scope, "f", id, now)
}

const isKnown = (claims: Deduplication, scope: string, now: number) =>
  claims.find(scope, now)?.state === "Accepted"

describe("idempotency keys in memory", () => {
  it("count an hour from first acceptance, looked up or not (behaviour 22, pitfall 32)", () => {
    const claims = claimsOf()
    accept(claims, "a", 1_000)
    const end = 1_000 + claimTtlMs
    for (let now = 1_000; now < end; now += claimTtlMs / 7) assert.isTrue(isKnown(claims, "a", now))
    assert.isTrue(isKnown(claims, "a", end - 1))
    assert.isUndefined(claims.find("a", end))
  })

  it("count exactly their hour while others come and generations turn", () => {
    const random = seededRandom(1, "ttl")
    const claims = claimsOf(100_000)
    const times = new Map<string, number>()
    let now = 0
    for (let n = 0; n < 20_000; n++) {
      now += random.between(0, 3_000)
      accept(claims, `${n}`, now)
      times.set(`${n}`, now)
      const probe = `${random.between(Math.max(0, n - 4_000), n)}`
      const age = now - (times.get(probe) ?? 0)
      assert.strictEqual(isKnown(claims, probe, now), age < claimTtlMs, `${probe}, age ${age}`)
    }
    assert.strictEqual(claims.forgotten, 0)
    assert.isBelow(claims.size, 3_600_000 / 1_500 * 1.3, "expired generations go")
  })

  it("are looked up, put, and put again when their time is over (behaviour 25)", () => {
    const claims = claimsOf(10, 100)
    assert.isUndefined(claims.find("a", 0))
    accept(claims, "a", 0, "first")
    const known = claims.find("a", 1)
    assert.deepStrictEqual(known, { state: "Accepted", fingerprint: "f", id: "first", at: 0 })
    accept(claims, "a", 100, "second")
    const again = claims.find("a", 199)
    assert.deepStrictEqual(again, { state: "Accepted", fingerprint: "f", id: "second", at: 100 })
    accept(claims, "a", 101, "third")
    assert.strictEqual(claims.size, 1)
    assert.isTrue(isKnown(claims, "a", 200))
  })

  it("of a former process count from when that accepted them", () => {
    const claim = {
      topic: "t",
      key: undefined,
      idempotencyKey: "i",
      fingerprint: "f",
      id: "first",
      acceptedAt: 500
    }
    const claims = new Deduplication({ keysMax: 10, ttlMs: claimTtlMs }, [claim])
    const scope = scopeOf("t", undefined, "i")
    const known = claims.find(scope, 500 + claimTtlMs - 1)
    assert.deepStrictEqual(known, { state: "Accepted", fingerprint: "f", id: "first", at: 500 })
    assert.isUndefined(claims.find(scope, 500 + claimTtlMs))
  })

  it("of a former process are forgotten by age, in whatever order the log gives them", () => {
    const claims = [5, 1, 9, 3, 7, 2, 8, 4, 6, 0].map((acceptedAt) => ({
      topic: "t",
      key: undefined,
      idempotencyKey: `${acceptedAt}`,
      fingerprint: "f",
      id: `${acceptedAt}`,
      acceptedAt
    }))
    const kept = new Deduplication({ keysMax: 5, ttlMs: 100 }, claims)
    const scopes = claims.map(({ idempotencyKey }) => scopeOf("t", undefined, idempotencyKey))
    const known = scopes.map((scope) => kept.find(scope, 9)).flatMap((one) =>
      one?.state === "Accepted" ? [one.at] : []
    )
    assert.deepStrictEqual(known.toSorted(), [5, 6, 7, 8, 9])
    assert.strictEqual(kept.forgotten, 5)
  })

  it("are free again after a refusal, and in flight until then (behaviour 23)", () => {
    const claims = claimsOf()
    claims.begin("a", "f")
    assert.strictEqual(claims.find("a", 1)?.state, "InFlight")
    assert.strictEqual(claims.inFlight, 1)
    claims.release("a")
    assert.isUndefined(claims.find("a", 1))
    assert.strictEqual(claims.inFlight, 0)
  })

  it("in flight are not forgotten, however many are accepted meanwhile (behaviour 26)", () => {
    const claims = claimsOf(8)
    claims.begin("slow", "f")
    for (let n = 0; n < 1_000; n++) accept(claims, `${n}`, n)
    assert.strictEqual(claims.find("slow", 1_000)?.state, "InFlight")
    claims.accept("slow", "f", "slow", 1_000)
    assert.isTrue(isKnown(claims, "slow", 1_000))
  })

  it.each([1, 2, 3, 7, 8, 9, 64, 1_000])(
    "never exceed their capacity of %i; the oldest go, and are counted (behaviour 26)",
    (keysMax) => {
      const claims = claimsOf(keysMax)
      for (let n = 0; n < 5_000; n++) {
        accept(claims, `${n}`, 1 + Math.floor(n / 10))
        assert.isAtMost(claims.size, keysMax)
        assert.isTrue(isKnown(claims, `${n}`, 600))
      }
      const known = Array.from({ length: 5_000 }, (_, n) => isKnown(claims, `${n}`, 600))
      const oldest = known.indexOf(true)
      assert.isFalse(known.includes(false, oldest), "an older one outlived a younger one")
      assert.strictEqual(claims.forgotten, oldest)
      assert.isAtLeast(claims.size, Math.floor(keysMax * 7 / 8))
    }
  )

  it("that expired go first and are not counted as forgotten (behaviour 26)", () => {
    const claims = claimsOf(80, 800)
    for (let n = 0; n < 80; n++) accept(claims, `${n}`, n)
    accept(claims, "a", 809) // The first generation, 0 to 9, expired as a whole.
    assert.deepStrictEqual([claims.size, claims.forgotten], [71, 0])
    for (let n = 0; n < 9; n++) accept(claims, `a${n}`, 814)
    accept(claims, "b", 814) // The next, 10 to 19, by half: 15 to 19 still count.
    assert.deepStrictEqual([claims.size, claims.forgotten], [71, 5])
  })

  it.each([[0, 1], [-1, 1], [Number.NaN, 1], [1, 0], [1, -5], [1, Number.NaN]])(
    "refuse a capacity of %f or a time to live of %f at construction (behaviour 27)",
    (keysMax, ttlMs) => {
      assert.throws(() => claimsOf(keysMax, ttlMs), RangeError)
    }
  )

  it("forget an eighth when there are too many, at once and counted (pitfall 35)", () => {
    const claims = claimsOf(claimsMax)
    for (let n = 0; n < 1_000_001; n++) accept(claims, `${n}`, 1)
    assert.deepStrictEqual([claims.size, claims.forgotten], [875_001, 125_000])
    assert.isUndefined(claims.find("124999", 1))
    assert.isTrue(isKnown(claims, "125000", 1))
    assert.isTrue(isKnown(claims, "1000000", 1))
  })

  it("have a fingerprint of the body", () => {
    const bodies = [draft("t", 1), draft("t", 2), draft("t", 1, { priority: 1 })]
    assert.strictEqual(new Set(bodies.map(fingerprintOf)).size, bodies.length)
    assert.strictEqual(fingerprintOf(draft("t", 1)), fingerprintOf(draft("u", 1, { key: "k" })))
  })
})
