import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope } from "effect"
import { connect } from "node:net"
import { EdgeAddress } from "../../src/services/EdgeAddress.ts"
import { ask, rawly } from "./Client.ts"
import { fakeBusLayer, fakeState } from "./FakeBus.ts"
import { openEdge } from "./OpenDoors.ts"
import { nodeOnly, onDeno } from "./Platform.ts"
import { type Served, served } from "./Served.ts"

/** One turn of the event loop, also where the clock of the test stands still. */
const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Waits for something that happens soon; the test's own time limit ends it otherwise. */
const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => holds() ? Effect.void : Effect.andThen(turn, until(holds)))

const waitingPull = ({ ask, fake }: Served) =>
  Effect.gen(function*() {
    yield* ask("/v1/subscriptions/s", { method: "PUT", body: "{\"topic\":\"a\"}" })
    const pull = yield* Effect.forkChild(
      ask("/v1/subscriptions/s/pull", { body: "{\"waitMs\":30000}" })
    )
    yield* until(() => fake.pullsWaiting === 1)
    return pull
  })

const post = (body: string, more = "") =>
  `POST /v1/topics/a/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
  `content-length: ${body.length}\r\n${more}\r\n`

describe("connections", () => {
  it.live("a pull that waits ends when its client is gone", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const pull = yield* waitingPull(edge)
      assert.strictEqual(edge.fake.pullsInterrupted, 0)
      yield* Fiber.interrupt(pull)
      yield* until(() => edge.fake.pullsInterrupted === 1)
    }))

  it.live("requests sent in one go are answered in order", () =>
    Effect.gen(function*() {
      const { fake, port } = yield* served
      const requests = Array.from({ length: 200 }, (_, index) => {
        const body = `{"payload":${index}}`
        return `${post(body)}${body}`
      })
      const last = `GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`
      const text = yield* rawly(port, requests.join("") + last)
      assert.lengthOf(text.match(/HTTP\/1\.1 202/g) ?? [], 200)
      const stored = fake.stored.map(({ payload }) => Number(payload))
      assert.deepStrictEqual(stored, requests.map((_, index) => index))
    }))

  nodeOnly(
    "a body is asked for with 100 Continue only when it will be read",
    () =>
      Effect.gen(function*() {
        const { fake, port } = yield* served
        const more = "expect: 100-continue\r\nconnection: close\r\n"
        const asked = yield* rawly(port, post("{\"payload\":1}", more) + "{\"payload\":1}")
        assert.match(asked, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /)
        const refused = yield* rawly(
          port,
          post("{\"payload\":1}", more).replace("/v1/", "/v9/") + "{\"payload\":1}"
        )
        assert.match(refused, /^HTTP\/1\.1 404 /)
        assert.lengthOf(fake.stored, 1)
      })
  )

  it.live("a client that goes away in the middle of its body leaves nothing behind", () =>
    Effect.gen(function*() {
      const { ask, fake, metricsUrl, port } = yield* served
      for (let count = 0; count < 20; count++) {
        const socket = connect(port, "127.0.0.1")
        yield* Effect.callback<void>((resume) =>
          void socket.write(post("{\"payload\":1}") + "{\"pay", () => resume(Effect.void))
        )
        socket.destroy()
      }
      const inFlight = /http_requests_in_flight 1\n/ // The scrape itself.
      yield* Effect.repeat(
        askText(`${metricsUrl}/metrics`),
        { until: (text) => inFlight.test(text) }
      )
      assert.deepStrictEqual(fake.stored, [])
      assert.strictEqual((yield* ask("/livez")).status, 200)
    }))
})

const askText = (url: string) => Effect.map(ask(url), ({ text }) => text)

const start = Effect.gen(function*() {
  const scope = yield* Scope.make()
  const fake = fakeState()
  const context = yield* Layer.buildWithScope(
    Layer.provide(openEdge(), fakeBusLayer(fake)),
    scope
  )
  const address = yield* Effect.provide(EdgeAddress, context)
  return { fake, address, stop: Scope.close(scope, Exit.void) }
})

describe("closing the edge", () => {
  // The clock stands still, so that a connection which only the time limit ends would hang.
  it.effect("answers waiting pulls with 503, ends idle connections, and frees the ports", () =>
    Effect.gen(function*() {
      const { address, fake, stop } = yield* start
      const pull = yield* waitingPull({
        fake,
        ask: (path, asked) => ask(`${address.url}${path}`, asked)
      } as Served)
      const idle = yield* Effect.forkChild(rawly(address.port, ""))
      const kept = yield* Effect.forkChild(
        rawly(address.port, "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
      )
      yield* Effect.repeat(askText(`${address.metricsUrl}/metrics`), {
        until: (text) => (onDeno || /http_connections [4-9]/.test(text)) && text.includes("livez")
      })
      yield* stop
      const answer = yield* Fiber.join(pull)
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.json.type, "/problems/edge-closing")
      assert.strictEqual(answer.headers["connection"], "close")
      assert.strictEqual(yield* Fiber.join(idle), "")
      assert.match(yield* Fiber.join(kept), /^HTTP\/1\.1 200 /)
      const again = yield* Effect.exit(Effect.scoped(Layer.build(Layer.provide(
        openEdge(address),
        fakeBusLayer(fake)
      ))))
      assert.isTrue(Exit.isSuccess(again))
    }))

  it.live("a port that is taken is named in the error", () =>
    Effect.gen(function*() {
      const { address, fake, stop } = yield* start
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Layer.provide(
        openEdge({ ...address, metricsPort: 0 }),
        fakeBusLayer(fake)
      ))))
      yield* stop
      assert.strictEqual(error._tag, "EdgeUnbound")
      assert.deepStrictEqual([error.port, error.code], [address.port, "EADDRINUSE"])
    }))
})
