/**
 * Malformed requests against the real process; `test/edge/Malformed.test.ts` judges each answer.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { rawly } from "../edge/Client.ts"
import { malformed } from "../edge/Malformed.ts"
import { drain } from "./Consume.ts"
import { call, start, stop, temporaryFolder } from "./Service.ts"
import { memoryOf, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const seed = Number(process.env["EDGE_SEED"] ?? "20261125")
const count = isLong ? 100_000 : 2_000

/** Texts that are odd and well-formed: each must come back byte for byte. */
const odd = [
  "__proto__",
  "constructor",
  "toString",
  "\u0000",
  "\u202egnp.exe",
  "😀",
  "\u00e9",
  "e\u0301",
  "line\r\nnext: header",
  "\u001b[31mred",
  "1e400",
  "0"
]

describe("malformed requests to the real process", () => {
  it.live(`F15: ${count} of seed ${seed} end in no 5xx, and hold no memory`, () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      const port = Number(new URL(service.url).port)
      const counts = { fourXx: 0, closed: 0, other: 0 }
      const share = count / 10
      const peaks: Array<number> = []
      for (let round = 0; round < 10; round++) {
        yield* Effect.forEach(
          malformed(seed + round, share),
          ({ bytes, halfClose, kind }, at) =>
            Effect.map(rawly(port, bytes, { halfClose }), (answer) => {
              const status = Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1] ?? 0)
              if (status >= 400 && status < 500) counts.fourXx++
              else if (status === 0) counts.closed++
              else counts.other++
              assert.isBelow(status, 500, `case ${at} (${kind}) of seed ${seed + round}`)
            }),
          { concurrency: 16, discard: true }
        )
        peaks.push(memoryOf(service.process.pid).peak)
      }
      say("F15", { count, ...counts, peaks })
      // The first four tenths let the heap find its size.
      assert.isAtMost((peaks.at(-1) ?? 0) - (peaks[3] ?? 0), 50)
      assert.strictEqual(counts.other, 0)
      assert.isAtLeast(counts.fourXx, count * 0.99)
      assert.strictEqual(service.said().trim().split("\n").length, 2, "what they say is not logged")
      assert.strictEqual((yield* call(`${service.url}/livez`, "GET")).status, 200)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))

  it.live("F15: odd keys, headers and payloads come back as they are, and stay apart", () =>
    Effect.gen(function*() {
      // Its leases are not acknowledged, and it need not wait for that.
      const service = yield* start(yield* temporaryFolder, { DRAIN_SECONDS: "1" })
      const subscription = `${service.url}/v1/subscriptions/odd`
      yield* call(subscription, "PUT", { topic: "odd.>" })
      const sent = odd.map((text) => ({
        key: text,
        idempotencyKey: text,
        headers: { [text.replaceAll(/[^\w]/g, "_")]: text },
        payload: { [text]: text }
      }))
      for (const message of sent) {
        const { status } = yield* call(`${service.url}/v1/topics/odd.t/messages`, "POST", message)
        assert.strictEqual(status, 202, JSON.stringify(message))
      }
      const { body } = yield* call(`${subscription}/pull`, "POST", { max: 100, waitMs: 0 })
      const messages = body.deliveries.map(({ message }) => message as unknown)
      const fields = messages as unknown as ReadonlyArray<(typeof sent)[number]>
      assert.deepStrictEqual(
        fields.map(({ headers, key, payload }) => [key, headers, payload]),
        sent.map(({ headers, key, payload }) => [key, headers, payload])
      )
      assert.strictEqual(new Set(fields.map(({ key }) => key)).size, odd.length)
      assert.isUndefined(Reflect.get({}, "polluted"))
      for (const topic of ["caf%C3%A9", "%F0%9F%98%80", "a%00b"]) {
        const refused = yield* call(`${service.url}/v1/topics/${topic}/messages`, "POST", {
          payload: 1
        })
        assert.strictEqual(refused.status, 400)
      }
      assert.strictEqual((yield* drain(service.url, "odd", 0)).length, 0)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
