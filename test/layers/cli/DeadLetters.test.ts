import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Asked, fakeBus } from "./FakeBus.ts"
import { runCli } from "./RunCli.ts"

const letter = (id: number) => ({
  id: `${id}`,
  subscription: "billing",
  message: { id: `m-${id}`, topic: "orders", payload: {} },
  reason: "AttemptsExhausted",
  error: `boom\n\u001b[31m${"!".repeat(100)}`,
  attempts: 4,
  failedAt: "2026-01-01T00:00:00.000Z"
})

const queryOf = ({ path }: Asked) => Object.fromEntries(new URL(path, "http://x").searchParams)

/** A bus with the dead letters 1 to `count`, in pages. */
const paged = (count: number) => (asked: Asked) => {
  const { after = "0", limit = "100" } = queryOf(asked)
  const ids = Array.from({ length: count }, (_, index) => index + 1)
    .filter((id) => id > Number(after))
  const page = ids.slice(0, Number(limit))
  return [200, {
    deadLetters: page.map(letter),
    ...(ids.length > page.length ? { next: `${page.at(-1)}` } : {})
  }] as const
}

describe("codefactory dead-letters", () => {
  it.effect("lists them in a table without control characters, and says what to do next", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(paged(2))
      const { code, out } = yield* runCli([
        ...["dead-letters", "list", "--topic", "orders", "--subscription", "billing"],
        ...["--url", bus.url]
      ])
      assert.strictEqual(code, 0)
      assert.include(out, "AttemptsExhausted  boom [31m!!!")
      assert.notInclude(out, "\u001b")
      assert.include(out, "dead-letters replay")
      assert.deepInclude(queryOf(bus.asked[0] ?? assert.fail()), {
        topic: "orders",
        subscription: "billing"
      })
    }))

  it.effect("follows pages up to the limit, and says when there are more", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(paged(2_500))
      const list = ["dead-letters", "list", "--url", bus.url]
      const all = yield* runCli([...list, "--limit", "5000", "--json"])
      const ids = all.out.split("\n").map((line) => JSON.parse(line).id)
      assert.lengthOf(new Set(ids), 2_500)
      assert.lengthOf(bus.asked, 3)
      assert.include((yield* runCli([...list, "--limit", "10"])).out, "There are more")
    }))

  it.effect("replays what the filters say, and shows what a dry run would do", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => [200, { replayed: 3, failed: 0, remaining: 1 }])
      const replay = ["dead-letters", "replay", "--url", bus.url]
      const dry = yield* runCli([
        ...replay,
        ...["--dry-run", "--max-age-seconds", "60", "--id", "1", "--id", "2"]
      ])
      assert.strictEqual(dry.code, 0)
      assert.include(dry.out, "would be replayed 3")
      assert.deepStrictEqual(JSON.parse(bus.asked[0]?.body ?? ""), {
        maxAgeSeconds: 60,
        ids: ["1", "2"],
        dryRun: true
      })
      assert.match((yield* runCli([...replay, "--topic", "t"])).out, /^replayed 3/)
      assert.deepStrictEqual(JSON.parse(bus.asked[1]?.body ?? ""), { topic: "t", dryRun: false })
    }))

  it.effect("replays that failed in part end with exit code 1", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(() => [200, { replayed: 1, failed: 2, remaining: 2 }])
      const { code, out } = yield* runCli(["dead-letters", "replay", "--json", "--url", bus.url])
      assert.strictEqual(code, 1)
      assert.deepStrictEqual(JSON.parse(out), { replayed: 1, failed: 2, remaining: 2 })
    }))

  it.effect("deletes only what it is told: nothing said is wrong usage", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(({ path }) =>
        path.includes("/dead-letters/") ? [204] : [200, {
          deleted: 5
        }]
      )
      const remove = ["dead-letters", "delete", "--url", bus.url]
      assert.strictEqual((yield* runCli(remove)).code, 2)
      assert.strictEqual((yield* runCli([...remove, "--id", "1", "--all"])).code, 2)
      assert.deepStrictEqual(bus.asked, [])
      assert.include((yield* runCli([...remove, "--id", "1", "--id", "2"])).out, "2 dead letters")
      assert.include((yield* runCli([...remove, "--topic", "t"])).out, "5 dead letters")
      assert.include((yield* runCli([...remove, "--all"])).out, "5 dead letters")
      assert.deepStrictEqual(bus.asked.map(({ method, path }) => `${method} ${path}`), [
        "DELETE /v1/dead-letters/1",
        "DELETE /v1/dead-letters/2",
        "DELETE /v1/dead-letters?topic=t",
        "DELETE /v1/dead-letters?"
      ])
    }))
})
