/**
 * The description of the API held against what the edge answers: each answer that a test gets is
 * one that the document has, with its status, content type, headers and shape.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import { Effect, Layer } from "effect"
import * as NoAgents from "../../src/layers/agents/NoAgents.ts"
import { openApi } from "../../src/layers/edge/docs/OpenApi.ts"
import { apiRoutes } from "../../src/layers/edge/Edge.ts"
import { makeRouter } from "../../src/layers/edge/Router.ts"
import * as NoKeys from "../../src/layers/keys/NoKeys.ts"
import * as LocalLeases from "../../src/layers/leases/LocalLeases.ts"
import * as LocalSessions from "../../src/layers/sessions/LocalSessions.ts"
import { Agents } from "../../src/services/Agents.ts"
import { ApiKeys } from "../../src/services/ApiKeys.ts"
import { Leases } from "../../src/services/Leases.ts"
import { Sessions } from "../../src/services/Sessions.ts"
import type { Answer } from "./Client.ts"
import { fakeBus, fakeState } from "./FakeBus.ts"

const build = { version: "0", profile: "memory", runtime: "test", startedAt: 0 }

/** Every route of the API, over a bus of no importance. */
export const allRoutes = Effect.runSync(
  Effect.provide(
    Effect.gen(function*() {
      const served = {
        bus: fakeBus(fakeState()),
        keys: yield* ApiKeys,
        agents: yield* Agents,
        leases: yield* Leases,
        sessions: yield* Sessions
      }
      return apiRoutes(served, build)
    }),
    Layer.mergeAll(NoKeys.layer, NoAgents.layer, LocalLeases.layer(), LocalSessions.layer())
  )
)

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema: object
}

/** A body or a response: its schemas by content type. */
export interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}

/** An operation, as far as tests look at it. */
export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: ReadonlyArray<string>
  readonly parameters?: ReadonlyArray<Parameter>
  readonly requestBody?: Content
  readonly responses: Readonly<
    Record<string, Content & { readonly description: string; readonly headers?: object }>
  >
}

/** The document, as far as tests look at it. */
export interface Document {
  readonly openapi: string
  readonly tags: ReadonlyArray<{ readonly name: string }>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: {
      readonly Problem: { readonly properties: { readonly type: { readonly enum: Array<string> } } }
    }
  }
}

/** The document, with replies that may have no field it does not name. */
export const document: Document = JSON.parse(
  JSON.stringify(openApi(allRoutes, "0", { replies: "closed" }))
)

const router = makeRouter(allRoutes)
/** A validator in which a schema may refer to the components of the document beside it. */
export const makeAjv = () => new Ajv2020({ strict: true }).addVocabulary(["components"])

const ajv = makeAjv()
const checks = new Map<string, ValidateFunction>()

/** A schema that finds what it refers to. */
export const withComponents = (schema: object): object => ({
  components: { schemas: document.components.schemas },
  ...schema
})

const checkOf = (key: string, schema: object): ValidateFunction => {
  const known = checks.get(key)
  if (known !== undefined) return known
  const made = ajv.compile(withComponents(schema))
  checks.set(key, made)
  return made
}

/** Headers of each answer, which belong to HTTP and not to the API. */
const common = new Set(["content-type", "content-length", "date", "connection", "keep-alive"])
const beyond = new Set(["transfer-encoding", "cache-control", "x-accel-buffering", "allow"])

/** Fails unless the document has this answer. */
export const conforms = (method: string, url: string, answer: Answer): void => {
  const path = url.split("?")[0] ?? ""
  const found = router(method, path)
  const type = String(answer.headers["content-type"] ?? "").split(";")[0] ?? ""
  if (found._tag === "Failure") {
    return shaped(`problem at ${path}`, answer, document.components.schemas.Problem)
  }
  const { route } = found.success
  const name = `${method} ${route.pattern}: ${answer.status}`
  const operation = document.paths[route.pattern]?.[route.method.toLowerCase()]
  const response = operation?.responses[answer.status]
  if (response === undefined) throw new Error(`${name} is not in the document: ${answer.text}`)
  const headers = Object.keys(response.headers ?? {}).map((header) => header.toLowerCase())
  for (const header of Object.keys(answer.headers)) {
    if (common.has(header) || beyond.has(header) || headers.includes(header)) continue
    if (/^(content-security-policy|x-content-type-options)$/.test(header)) continue
    throw new Error(`${name} has the header ${header}, which is not in the document`)
  }
  if (answer.status === 204 || method === "HEAD") return
  const content = response.content?.[type]
  if (content === undefined) throw new Error(`${name} has no ${type} in the document`)
  if (type === "application/problem+json") {
    const kind = answer.json?.type
    if (!response.description.includes(`\`${kind}\``)) {
      throw new Error(`${name} is not said to be ${kind}`)
    }
  }
  if (type.includes("json")) shaped(`${name} ${type}`, answer, content.schema)
}

const shaped = (name: string, { json, text }: Answer, schema: object): void => {
  const check = checkOf(name, schema)
  if (!check(json)) throw new Error(`${name}: ${ajv.errorsText(check.errors)}: ${text}`)
}
