import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { allDocs } from "../../src/layers/edge/docs/OpenApi.ts"
import { BatchItem, MessageIn } from "../../src/layers/edge/docs/Shapes.ts"
import { decodeDraft, itemEnvelope } from "../../src/layers/edge/DraftDecoding.ts"
import { rows } from "../../src/layers/edge/ProblemRows.ts"
import { allRoutes, document, makeAjv, withComponents } from "./Conformance.ts"
import { served } from "./Served.ts"

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) =>
    [`${method.toUpperCase()} ${path}`, operation] as const
  )
)

describe("the description of the API", () => {
  it("has every route that is served, and no other", () => {
    const served = allRoutes.map(({ method, pattern }) => `${method} ${pattern}`).toSorted()
    assert.deepStrictEqual(operations.map(([name]) => name).toSorted(), served)
    assert.deepStrictEqual(Object.keys(allDocs).toSorted(), served)
  })

  it("has every type of problem; only those of no route at all stand in no operation", () => {
    const types = Object.values(rows).map(({ kind }) => kind.type)
    assert.includeMembers(document.components.schemas.Problem.properties.type.enum, types)
    const text = JSON.stringify(operations)
    assert.deepStrictEqual(
      types.filter((type) => !text.includes(`\`${type}\``)),
      ["/problems/method-not-allowed"]
    )
  })

  it("is well-formed: operations have names of their own, parameters match the path", () => {
    assert.strictEqual(document.openapi, "3.1.0")
    const ids = operations.map(([, { operationId }]) => operationId)
    assert.strictEqual(new Set(ids).size, ids.length)
    const groups = document.tags.map(({ name }) => name)
    const ajv = makeAjv()
    const isSchema = (schema: object) => void ajv.compile(withComponents(schema))
    for (const [name, operation] of operations) {
      assert.match(operation.operationId, /^[a-z]+([A-Z][a-z]*)*$/, name)
      assert.isNotEmpty(operation.summary)
      assert.includeMembers(groups, [...operation.tags])
      const inPath = Array.from(name.matchAll(/\{(\w+)\}/g), ([, parameter]) => parameter)
      const parameters = operation.parameters ?? []
      assert.deepStrictEqual(
        parameters.filter((one) => one.in === "path").map((one) => one.name),
        inPath
      )
      for (const parameter of parameters) isSchema(parameter.schema)
      const contents = [operation.requestBody ?? {}, ...Object.values(operation.responses)]
      for (const { content = {} } of contents) {
        for (const { schema } of Object.values(content)) isSchema(schema)
      }
      for (const [status, { description }] of Object.entries(operation.responses)) {
        assert.match(status, /^[2-5]\d\d$/)
        assert.isNotEmpty(description)
      }
    }
  })

  it.live("is served to everybody, for programs and for readers", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const described = yield* ask("/openapi.json")
      assert.deepStrictEqual(Object.keys(described.json.paths), Object.keys(document.paths))
      const page = yield* ask("/docs")
      assert.match(String(page.headers["content-type"]), /^text\/html/)
      assert.notMatch(page.text, /<script|(src|href)="(https?:)?\/\//)
      for (const [, { operationId, summary }] of operations) {
        assert.include(page.text, `id="${operationId}"`)
        assert.include(page.text, summary)
      }
      for (const { kind } of Object.values(rows)) {
        const meaning = yield* ask(kind.type)
        assert.strictEqual(meaning.status, 200, kind.type)
        assert.include(meaning.text, kind.title)
      }
      assert.strictEqual((yield* ask("/problems/none")).status, 404)
      assert.strictEqual((yield* ask("/v1/snapshot")).json.state, "Running")
    }))
})

describe("the schema of a message", () => {
  const good = { payload: 1 }
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  const cases: ReadonlyArray<unknown> = [
    good,
    {},
    [],
    1,
    null,
    "text",
    { payload: null },
    { ...good, unknown: 1 },
    ...["", "k", "k".repeat(1_024), "k".repeat(1_025), 1, null, []].flatMap((key) => [
      { ...good, key },
      { ...good, idempotencyKey: key }
    ]),
    ...[0, 9, 10, -1, 1.5, "5", null].map((priority) => ({ ...good, priority })),
    ...[{}, { a: "b" }, { a: 1 }, [], "a", null].map((headers) => ({ ...good, headers })),
    ...["text/plain", "", " x", "a".repeat(255), "a".repeat(256), "\u00e4", 1].map((
      contentType
    ) => ({
      ...good,
      contentType
    })),
    ...[trace, trace.toUpperCase(), trace.replace("00-", "01-"), "", 1].map((traceparent) => ({
      ...good,
      traceparent
    })),
    ...["2030-01-31T12:00:00Z", "2030-01-31T12:00Z", "2030-01-31", "tomorrow", "", 0].flatMap((
      at
    ) => [
      { ...good, deliverAt: at },
      { ...good, expiresAt: at }
    ])
  ]

  const verdict = (value: unknown, envelope: typeof itemEnvelope) =>
    decodeDraft(JSON.stringify(value), false, envelope)._tag === "Success"
  const accepts = (schema: Schema.Decoder<unknown>, value: unknown) =>
    Exit.isSuccess(Schema.decodeUnknownExit(schema)(value, { onExcessProperty: "error" }))

  it("accepts what its decoder accepts, and refuses what that refuses", () => {
    const alone = { ...itemEnvelope, topic: "orders" }
    for (const value of cases) {
      assert.strictEqual(accepts(MessageIn, value), verdict(value, alone), JSON.stringify(value))
    }
  })

  it("of a batch also has a topic, by the same rules", () => {
    const topics = ["orders", "a.b-c_d.1", "", ".a", "a.", "a..b", "\u00e4", "a".repeat(250), 1]
    const items = topics.map((topic) => ({ ...good, topic }))
    for (
      const value of [
        good,
        ...items,
        ...cases.map((one) => Object.assign({ topic: "a" }, one))
      ]
    ) {
      assert.strictEqual(
        accepts(BatchItem, value),
        verdict(value, itemEnvelope),
        JSON.stringify(value)
      )
    }
  })
})
