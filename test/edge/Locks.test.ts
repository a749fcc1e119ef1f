import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { served } from "./Served.ts"

const sent = { "content-type": "application/json" }

describe("locks over HTTP", () => {
  it.live("are acquired by one, renewed and released by its holder", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const acquire = (owner: string) =>
        ask("/v1/locks/nightly.report", {
          body: JSON.stringify({ leaseMs: 60_000, owner }),
          headers: sent
        })
      const first = yield* acquire("a")
      assert.strictEqual(first.status, 201)
      const { fencingToken } = first.json
      assert.deepInclude(first.json, { name: "nightly.report", owner: "a" })
      const second = yield* acquire("b")
      assert.deepStrictEqual([second.status, second.headers["retry-after"]], [409, "60"])
      assert.strictEqual(second.json.type, "/problems/lease-held")
      const renewed = yield* ask("/v1/locks/nightly.report", {
        method: "PUT",
        body: JSON.stringify({ leaseMs: 1_000, fencingToken }),
        headers: sent
      })
      assert.strictEqual(renewed.status, 200)
      const release = `/v1/locks/nightly.report?fencingToken=${fencingToken}`
      assert.strictEqual((yield* ask(release, { method: "DELETE" })).status, 204)
      const again = yield* ask(release, { method: "DELETE" })
      assert.deepStrictEqual(
        [again.status, again.json.type],
        [409, "/problems/lease-lost"]
      )
      assert.strictEqual((yield* acquire("b")).status, 201)
    }))

  it.live.each([
    ["nightly", { leaseMs: 999 }, "leaseMs"],
    ["nightly", { leaseMs: 3_600_001 }, "leaseMs"],
    ["nightly", { leaseMs: 1_000, owner: "" }, "owner"],
    ["nightly", { leaseMs: 1_000, forever: true }, "forever"],
    ["%20", { leaseMs: 1_000 }, "name"],
    ["a".repeat(201), { leaseMs: 1_000 }, "name"]
  ])(
    "behaviour 81: %s with %o is refused by field",
    ([name, body, field]) =>
      Effect.gen(function*() {
        const { ask } = yield* served
        const { json: problem, status } = yield* ask(`/v1/locks/${name}`, {
          body: JSON.stringify(body),
          headers: sent
        })
        assert.strictEqual(status, 400)
        assert.strictEqual(problem.errors[0].field, field)
      })
  )
})
