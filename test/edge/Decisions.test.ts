import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { served } from "./Served.ts"

const made = (id: number, kind: string) => ({
  id,
  at: 1_700_000_000_000 + id,
  kind,
  subject: `shard ${id % 2}`,
  rule: "a rule",
  inputs: { fill: 0.8 },
  outcome: "Closed",
  skipped: 3
})

describe("decisions over HTTP", () => {
  it.live("come by page, oldest first, filtered by kind and subject", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      fake.decisions.push(made(0, "gate"), made(1, "gate"), made(2, "resize"))
      const { json } = yield* ask("/v1/decisions?limit=2")
      assert.strictEqual(json.next, "1")
      assert.deepStrictEqual(json.decisions[0], {
        ...made(0, "gate"),
        id: "0",
        at: "2023-11-14T22:13:20.000Z"
      })
      const rest = yield* ask(`/v1/decisions?limit=2&after=${json.next}`)
      assert.strictEqual(rest.json.decisions.length, 1)
      assert.isUndefined(rest.json.next)
      const gates = yield* ask("/v1/decisions?kind=gate&subject=shard%201")
      assert.deepStrictEqual(gates.json.decisions.map(({ id }: { id: string }) => id), ["1"])
      assert.strictEqual((yield* ask("/v1/decisions?limit=0")).status, 400)
      assert.strictEqual((yield* ask("/v1/decisions?who=me")).status, 400)
    }))
})
