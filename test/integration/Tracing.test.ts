/**
 * A real service that sends its traces to a collector on this machine.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { createServer } from "node:http"
import { agentsWith, eventually } from "./AgentDirectory.ts"
import { call, start, stop, temporaryFolder } from "./Service.ts"

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly status: { readonly code: number }
  readonly links?: ReadonlyArray<{ readonly traceId: string }>
  readonly attributes: ReadonlyArray<{
    readonly key: string
    readonly value: { readonly stringValue?: string; readonly intValue?: number | string }
  }>
}

/** A collector that keeps what it is sent. */
const collector: Effect.Effect<
  {
    readonly url: string
    readonly spans: Array<Span>
    readonly logs: Array<string>
    readonly close: () => void
  },
  never,
  Scope.Scope
> = Effect.acquireRelease(
  Effect.callback((resume) => {
    const spans: Array<Span> = []
    const logs: Array<string> = []
    const server = createServer((request, response) => {
      let body = ""
      request.on("data", (chunk) => body += chunk)
      request.on("end", () => {
        if (request.url === "/v1/traces") {
          for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
            for (const scope of scopeSpans) spans.push(...scope.spans)
          }
        } else logs.push(`${request.url} ${body}`)
        response.writeHead(200, { "content-type": "application/json" }).end("{}")
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const close = () => void server.close()
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, spans, logs, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const valueOf = (span: Span | undefined, key: string) => {
  const value = span?.attributes.find((one) => one.key === key)?.value
  return value?.stringValue ?? Number(value?.intValue)
}

const traceId = "0af7651916cd43dd8448eb211c80319c"

describe("a service that is traced", () => {
  it.live(
    "tells of one trace from the client's span over publish, retry and what follows",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { logs, spans, url } = yield* collector
        const service = yield* start(yield* temporaryFolder, {
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_SERVICE_NAME: "bus-under-test",
          AGENTS_DIR: yield* agentsWith({
            "worker.ts": `
            const tried = new Set()
            export default {
              topic: "work",
              handle: (n, { publish }) => {
                if (tried.has(n)) return publish("done", n)
                tried.add(n)
                throw new Error("not at once")
              }
            }`
          })
        })
        yield* eventually(call(`${service.url}/readyz`, "GET"), ({ status }) => status === 200)
        yield* call(`${service.url}/v1/subscriptions/seen`, "PUT", { topic: "done" })
        yield* call(`${service.url}/v1/topics/work/messages`, "POST", {
          payload: 1,
          traceparent: `00-${traceId}-b7ad6b7169203331-01`
        })
        const { body } = yield* eventually(
          call(`${service.url}/v1/subscriptions/seen/pull`, "POST", { max: 1, waitMs: 1_000 }),
          ({ body }) => body.deliveries.length === 1
        )
        const ackIds = body.deliveries.map(({ ackId }) => ackId)
        yield* call(`${service.url}/v1/subscriptions/seen/ack`, "POST", { ackIds })
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)

        const named = (name: string) => spans.filter((span) => span.name === name)
        const [sent] = named("send work")
        assert.deepInclude(sent, { traceId, parentSpanId: "b7ad6b7169203331", kind: 4 })
        assert.strictEqual(valueOf(sent, "messaging.destination.name"), "work")
        const processed = named("process work")
        assert.deepStrictEqual(processed.map((span) => span.parentSpanId), [
          sent?.spanId,
          sent?.spanId
        ])
        assert.deepStrictEqual(processed.map((span) => valueOf(span, "codefactory.attempt")), [
          1,
          2
        ])
        assert.deepStrictEqual(processed.map(({ status }) => status.code), [2, 1])
        const [follows] = named("send done")
        assert.strictEqual(follows?.traceId, traceId)
        assert.strictEqual(follows?.parentSpanId, processed[1]?.spanId)
        const received = named("receive seen").find(({ links }) => (links?.length ?? 0) > 0)
        assert.strictEqual(received?.links?.[0]?.traceId, traceId)
        assert.lengthOf(named("settle seen"), 1)
        assert.isTrue(
          logs.some((log) => log.includes("serving on") && log.includes("bus-under-test"))
        )
      })),
    60_000
  )

  it.live("goes on without its collector", () =>
    Effect.scoped(Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder, {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1"
      })
      for (let n = 0; n < 50; n++) {
        const { status } = yield* call(`${service.url}/v1/topics/t/messages`, "POST", {
          payload: n
        })
        assert.strictEqual(status, 202)
      }
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    })), 60_000)
})
