import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Asked, fakeBus } from "./FakeBus.ts"
import { runCli } from "./RunCli.ts"

const id = "01a21554-4e27-7000-8f73-8508d8c7355f"

/** Within a minute of the id, and long after it. */
const near = "2026-11-26T00:49:50.000Z"
const far = "2026-11-26T09:00:00.000Z"

const decision = (at: string, subject: string, number: number) => ({
  id: String(number),
  at,
  kind: "gate",
  subject,
  rule: "closes at the high fill",
  inputs: { slots: 8_000, fill: 0.812_345 },
  outcome: "Closed",
  skipped: number
})

const all = [
  decision(near, "shard 6", 0),
  decision(near, "shard 1", 1),
  decision(far, "shard 6", 2)
]

const busWith = fakeBus(({ path }: Asked) => {
  const { pathname, searchParams } = new URL(path, "http://bus")
  if (pathname === `/v1/messages/${id}`) {
    return [200, {
      message: { id, topic: "orders", publishedAt: "2026-11-26T00:49:36.295Z" },
      shard: 6,
      state: "stored",
      deliveries: [{ subscription: "billing", state: "deadLettered", attempts: 4 }]
    }]
  }
  if (pathname !== "/v1/decisions") return [404, { title: "Not found" }]
  const subject = searchParams.get("subject")
  const after = Number(searchParams.get("after") ?? "-1")
  const found = all.filter((one) => Number(one.id) > after)
    .filter((one) => subject === null || one.subject === subject)
  const [first, second] = found // Pages of one.
  return [200, {
    decisions: first === undefined ? [] : [first],
    ...second === undefined ? {} : { next: first?.id }
  }]
})

describe("codefactory why", () => {
  it.effect("tells of a message where it is, and what was decided around it", () =>
    Effect.gen(function*() {
      const bus = yield* busWith
      const { code, out } = yield* runCli(["why", id, "--url", bus.url])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(out.split("\n"), [
        `${id}: stored on orders, shard 6, since 2026-11-26T00:49:36.295Z`,
        "  billing: deadLettered, 4 attempts",
        "",
        `${near}  gate: shard 6, Closed`,
        "  closes at the high fill",
        "  slots=8000 fill=0.8123"
      ])
    }))

  it.effect("tells of a subject everything, and of a time what was near", () =>
    Effect.gen(function*() {
      const bus = yield* busWith
      const decided = (subject: string) =>
        Effect.map(
          runCli(["why", subject, "--json", "--url", bus.url]),
          ({ out }) => JSON.parse(out).decisions.map(({ id }: { readonly id: string }) => id)
        )
      assert.deepStrictEqual(yield* decided("shard 6"), ["0", "2"])
      assert.deepStrictEqual(yield* decided("2026-11-26T00:49:00Z"), ["0", "1"])
      const none = yield* runCli(["why", "shard 9", "--url", bus.url])
      assert.include(none.out, "no decision is kept about shard 9")
      const unknown = yield* runCli(["why", id.replace("5f", "60"), "--url", bus.url])
      assert.strictEqual(unknown.code, 1)
    }))
})
