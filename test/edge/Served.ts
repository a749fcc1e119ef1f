/**
 * An edge over the fake bus, on free ports, for one test.
 */
import { Effect, Layer } from "effect"
import { EdgeAddress } from "../../src/services/EdgeAddress.ts"
import { type Answer, ask, type Asked } from "./Client.ts"
import { conforms } from "./Conformance.ts"
import { fakeBusLayer, type FakeState, fakeState } from "./FakeBus.ts"
import { type Doors, openEdge } from "./OpenDoors.ts"

/** A running edge: the state behind it, and a client that holds answers against the document. */
export interface Served {
  readonly fake: FakeState
  readonly port: number
  readonly url: string
  readonly metricsUrl: string
  readonly ask: (path: string, asked?: Asked) => Effect.Effect<Answer>
  readonly publish: (body: string, headers?: Asked["headers"]) => Effect.Effect<Answer>
}

/** Starts an edge that ends with the test's scope, with doors as asked for. */
export const servedBehind = Effect.fnUntraced(function*(doors: Doors) {
  const fake = fakeState()
  const context = yield* Layer.build(Layer.provide(openEdge(doors), fakeBusLayer(fake)))
  const { metricsUrl, port, url } = yield* Effect.provide(EdgeAddress, context)
  const askChecked: Served["ask"] = (path, asked = {}) =>
    Effect.tap(ask(`${url}${path}`, asked), (answer) =>
      Effect.sync(() => {
        const method = asked.method ?? (asked.body === undefined ? "GET" : "POST")
        conforms(method, path, answer)
      }))
  const served: Served = {
    fake,
    port,
    url,
    metricsUrl,
    ask: askChecked,
    publish: (body, headers = {}) => askChecked("/v1/topics/orders/messages", { body, headers })
  }
  return served
})

/** Starts an edge with open doors that ends with the test's scope. */
export const served = servedBehind({})
