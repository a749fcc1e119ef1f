/**
 * A message that kills the process that handles it, every time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { runToEnd, temporaryFolder } from "./Service.ts"

const program = join(import.meta.dirname, "fixtures", "suicidal.ts")

/** What one life of the process said. */
interface Life {
  readonly code: number | string
  readonly lines: ReadonlyArray<ReadonlyArray<string>>
  readonly letters: string | undefined
}

/** Runs the program until it ends by itself, at most 10 times. */
const lives = Effect.fnUntraced(function*(dataDir: string) {
  const all: Array<Life> = []
  while (all.length < 10 && all.at(-1)?.code !== 0) {
    const done = [...endedIn(all)].join()
    const { code, err, out } = yield* runToEnd([process.execPath, program, dataDir, done])
    if (code !== 0) assert.strictEqual(code, "SIGKILL", err)
    const lines = out.trim().split("\n")
    all.push({
      code,
      lines: lines.map((line) => line.split(" ")),
      letters: code === 0 ? lines.at(-1) : undefined
    })
  }
  return all
})

/** The payloads whose handlers ended. */
const endedIn = (all: ReadonlyArray<Life>): ReadonlySet<string | undefined> =>
  new Set(all.flatMap(({ lines }) => lines.flatMap(([what, n]) => what === "end" ? [n] : [])))

/** The payloads whose handlers began and did not end. */
const cutOff = ({ lines }: Life): ReadonlyArray<string> => {
  const running = new Set<string>()
  for (const [what, payload = ""] of lines) {
    if (what === "begin") running.add(payload)
    else running.delete(payload)
  }
  return [...running]
}

/** The most handlers of these payloads that ran at one time. */
const mostAtOnce = ({ lines }: Life, payloads: ReadonlyArray<string>): number => {
  const running = new Set<string>()
  return Math.max(...lines.map(([what, payload = ""]) => {
    if (payloads.includes(payload) && what === "begin") running.add(payload)
    else running.delete(payload)
    return running.size
  }))
}

describe("a message that kills its process", () => {
  it.live(
    "P2: is dead after 4 attempts; those beside it run one at a time, and all of them do",
    () =>
      Effect.gen(function*() {
        const all = yield* lives(yield* temporaryFolder)
        assert.deepStrictEqual(all.map(({ code }) => code), [...Array(4).fill("SIGKILL"), 0])
        const begun = all.flatMap(({ lines }) =>
          lines.filter(([what, payload]) => what === "begin" && payload === "13")
        )
        assert.deepStrictEqual(begun.map(([, , attempt]) => attempt), ["1", "2", "3", "4"])
        assert.deepStrictEqual(JSON.parse(all.at(-1)?.letters ?? ""), [
          { attempts: 4, payload: "13", reason: "ProcessLost" }
        ])
        const others = Array.from({ length: 40 }, (_, n) => String(n)).filter((n) => n !== "13")
        const done = endedIn(all)
        assert.deepStrictEqual(others.filter((n) => !done.has(n)), [])

        const [first, ...later] = all
        const suspects = first === undefined ? [] : cutOff(first)
        assert.isAbove(suspects.length, 1, "several handlers ran when the process was lost")
        for (const life of later) assert.isAtMost(mostAtOnce(life, suspects), 1)
      }),
    60_000
  )
})
