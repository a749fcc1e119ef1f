import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rawly } from "./Client.ts"
import { malformed } from "./Malformed.ts"
import { onDeno } from "./Platform.ts"
import { served } from "./Served.ts"

const seed = Number(process.env["EDGE_SEED"] ?? "20261123")
const count = Number(process.env["EDGE_CASES"] ?? "5000")

/** Deno gives up a connection whose chunks it cannot read, and speaks HTTP/2 when asked to. */
const isUnanswered = (answer: string) => onDeno && !answer.startsWith("HTTP/1.1 ")

/** Deno answers itself what it cannot read, without a document. */
const isOfDeno = (head: string) =>
  onDeno && head.startsWith("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n")

describe("malformed requests", () => {
  it.live(
    `are each answered 4xx with a problem document, and nothing is stored (${count}, seed ${seed})`,
    () =>
      Effect.gen(function*() {
        const { ask, fake, port } = yield* served
        const statuses = new Map<string, number>()
        yield* Effect.forEach(malformed(seed, count), ({ bytes, halfClose, kind }, index) =>
          Effect.map(rawly(port, bytes, { halfClose }), (answer) => {
            const shown = `case ${index} (${kind}) of seed ${seed}: ` +
              `${Buffer.from(bytes.subarray(0, 600)).toString("latin1")}\n=> ${answer}`
            const [head = "", body = ""] = answer.split("\r\n\r\n")
            if (isUnanswered(answer)) {
              return
            }
            const status = Number(/^HTTP\/1\.1 (4\d\d) /.exec(head)?.[1])
            assert.isAtLeast(status, 400, shown)
            if (!isOfDeno(head)) {
              assert.match(head, /content-type: application\/problem\+json/, shown)
              assert.strictEqual(JSON.parse(body).status, status, shown)
            }
            statuses.set(kind, (statuses.get(kind) ?? 0) + 1)
          }), { concurrency: 32, discard: true })
        assert.deepStrictEqual(fake.stored, [])
        assert.strictEqual(fake.subscriptions.size, 0)
        assert.deepStrictEqual(fake.settled, [])
        assert.isUndefined(Reflect.get({}, "polluted"))
        assert.strictEqual((yield* ask("/livez")).status, 200)
        assert.isAtLeast(statuses.size, 14)
      }),
    60_000
  )
})
