import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { type Action, actions } from "../../src/domain/ApiKey.ts"
import type { Route } from "../../src/layers/edge/Web.ts"
import { makeKeyRing } from "../../src/layers/keys/KeyRing.ts"
import { ask as askAny, type Asked } from "./Client.ts"
import { allRoutes } from "./Conformance.ts"
import { bearer, keyOf } from "./Keys.ts"
import { type Served, servedBehind } from "./Served.ts"

const keys = [
  keyOf("all", actions, [">"]),
  keyOf("elsewhere", actions, ["elsewhere.>"]),
  ...actions.map((action) => keyOf(`only-${action}`, [action], ["orders.>"]))
]

/** Bodies that a route takes; the rest takes `{}`, or refuses it after the door. */
const bodies: Readonly<Record<string, string>> = {
  "POST /v1/topics/{topic}/messages": "{\"payload\":1}",
  "POST /v1/messages": "[{\"topic\":\"orders.new\",\"payload\":1}]",
  "PUT /v1/subscriptions/{name}": "{\"topic\":\"orders.>\"}",
  "PATCH /v1/dead-letters/{id}": "{\"payload\":2}"
}

/** Requests about all topics or none: a key for other topics gets what it may see of it. */
const topicless = new Set([
  "GET /v1/subscriptions",
  ...["POST", "PUT", "DELETE"].map((method) => `${method} /v1/locks/{name}`),
  ...["GET", "PUT", "DELETE"].map((method) => `${method} /v1/sessions/{name}`)
])

const nameOf = ({ method, pattern }: Route) => `${method} ${pattern}`

/** An edge with a subscription, a message and a dead letter of `orders.new`. */
const prepared = Effect.gen(function*() {
  const edge = yield* servedBehind({ keys })
  const { ask, fake } = edge
  const headers = bearer("all")
  yield* ask("/v1/subscriptions/mine", { method: "PUT", body: "{\"topic\":\"orders.>\"}", headers })
  yield* ask("/v1/topics/orders.new/messages", { body: "{\"payload\":1}", headers })
  const [message] = fake.stored
  const subscription = fake.subscriptions.get("mine")
  assert.isDefined(message)
  assert.isDefined(subscription)
  fake.deadLetters.push({
    id: 1,
    subscription: subscription.name,
    incarnation: 1,
    message,
    reason: "AttemptsExhausted",
    error: "Error",
    attempts: 4,
    failedAt: 1
  })
  return edge
})

const asking = ({ ask, fake }: Served, route: Route, headers: Asked["headers"] = {}) => {
  const path = route.pattern
    .replace("{topic}", "orders.new")
    .replace("{name}", "mine")
    .replace("/v1/messages/{id}", `/v1/messages/${fake.stored[0]?.id}`)
    .replace("{id}", "1")
    .replace("{type}", "forbidden")
  const body = bodies[nameOf(route)] ?? "{}"
  return ask(path, {
    // A stream would not end; its head says enough.
    method: route.method === "GET" && route.waits ? "HEAD" : route.method,
    headers,
    ...(route.body === undefined ? {} : { body })
  })
}

/** Everything that a request might change; what it looked up is no change. */
const stateOf = ({ fake }: Served) =>
  JSON.stringify([fake.stored, [...fake.subscriptions], fake.deadLetters, fake.settled])

const isAction = (access: string): access is Action => actions.some((action) => action === access)

describe("a server with keys", () => {
  it.live.each(allRoutes.map((route) => [nameOf(route), route] as const))(
    "%s asks for the key that its place in the route table says",
    ([name, route]) =>
      Effect.gen(function*() {
        const edge = yield* prepared
        const before = stateOf(edge)
        const { access } = route
        const headless = route.method === "GET" && route.waits
        const none = yield* asking(edge, route)
        const wrong = yield* asking(edge, route, { authorization: "Bearer all.guess" })
        if (access === "open") {
          assert.isBelow(none.status, 400)
          assert.isBelow(wrong.status, 400)
          return
        }
        assert.deepStrictEqual([none.status, wrong.status], [401, 401])
        assert.strictEqual(none.json?.type, headless ? undefined : "/problems/credential-missing")
        assert.strictEqual(wrong.json?.type, headless ? undefined : "/problems/credential-invalid")
        assert.match(String(none.headers["www-authenticate"]), /^Bearer realm=/)
        assert.match(String(wrong.headers["www-authenticate"]), /^Bearer .*error="invalid_token"$/)
        if (isAction(access)) {
          for (const other of actions.filter((action) => action !== access)) {
            const refused = yield* asking(edge, route, bearer(`only-${other}`))
            assert.strictEqual(refused.status, 403, other)
            assert.strictEqual(refused.json?.action, headless ? undefined : access)
          }
        }
        if (isAction(access) && access !== "admin" && !topicless.has(name)) {
          const { json, status } = yield* asking(edge, route, bearer("elsewhere"))
          assert.strictEqual(status, 403)
          const { action, topic } = json?.results?.[0].error ?? json ?? {}
          assert.strictEqual(action, headless ? undefined : access)
          if (!headless) assert.match(topic, /^(orders\.|>$)/)
        }
        assert.strictEqual(stateOf(edge), before, "who is refused changes nothing")
        const right = yield* asking(edge, route, bearer("all"))
        assert.notInclude([401, 403], right.status, right.text)
        if (isAction(access) && !name.includes("/dead-letters")) {
          const fresh = yield* prepared
          const only = yield* asking(fresh, route, bearer(`only-${access}`))
          assert.notInclude([401, 403], only.status, only.text)
        }
      })
  )

  it.live("publishes the items of a batch whose topics the key reaches, and no others", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* servedBehind({ keys })
      const body = JSON.stringify(["orders.a", "elsewhere.a", "orders.b"].map((topic) => ({
        topic,
        payload: 1
      })))
      const { json, status } = yield* ask("/v1/messages", { body, headers: bearer("only-publish") })
      assert.strictEqual(status, 207)
      assert.deepStrictEqual([json.accepted, json.refused], [2, 1])
      assert.strictEqual(json.results[1].error.type, "/problems/forbidden")
      assert.strictEqual(json.results[1].error.topic, "elsewhere.a")
      assert.deepStrictEqual(fake.stored.map(({ topic }) => topic), ["orders.a", "orders.b"])
    }))

  it.live("lists the subscriptions that the key reaches, and no others", () =>
    Effect.gen(function*() {
      const { ask } = yield* servedBehind({ keys })
      for (const [name, topic] of [["a", "orders.*"], ["b", "elsewhere.>"], ["c", ">"]]) {
        const body = JSON.stringify({ topic })
        yield* ask(`/v1/subscriptions/${name}`, { method: "PUT", body, headers: bearer("all") })
      }
      const seen = (id: string) =>
        Effect.map(
          ask("/v1/subscriptions", { headers: bearer(id) }),
          ({ json }) => json.subscriptions.map(({ name }: { readonly name: string }) => name)
        )
      assert.deepStrictEqual(yield* seen("all"), ["a", "b", "c"])
      assert.deepStrictEqual(yield* seen("only-consume"), ["a"])
    }))

  it.live("lets a key create a subscription to topics that it reaches, and to no wider one", () =>
    Effect.gen(function*() {
      const { ask } = yield* servedBehind({ keys })
      const put = (name: string, topic: string) =>
        Effect.map(
          ask(`/v1/subscriptions/${name}`, {
            method: "PUT",
            body: JSON.stringify({ topic }),
            headers: bearer("only-consume")
          }),
          ({ status }) => status
        )
      assert.strictEqual(yield* put("a", "orders.new"), 201)
      for (const wider of [">", "*.new", "orders", "elsewhere.new", "message_bus.>"]) {
        assert.strictEqual(yield* put("b", wider), 403, wider)
      }
    }))

  it.live("replays what is named by a topic or subscription that the key reaches", () =>
    Effect.gen(function*() {
      const { ask } = yield* prepared
      const replay = (body: string) =>
        Effect.map(
          ask("/v1/dead-letters/replay", { body, headers: bearer("only-replay") }),
          ({ json, status }) => [status, json.replayed]
        )
      assert.deepStrictEqual(yield* replay("{\"topic\":\"orders.new\",\"dryRun\":true}"), [200, 1])
      assert.deepStrictEqual(yield* replay("{\"subscription\":\"mine\",\"dryRun\":true}"), [200, 1])
      assert.deepStrictEqual(yield* replay("{\"ids\":[\"1\"]}"), [403, undefined])
      assert.deepStrictEqual(yield* replay("{\"topic\":\"elsewhere\"}"), [403, undefined])
    }))

  it.live("counts a key's publishes by the key and under its own limit", () =>
    Effect.gen(function*() {
      const few = [keyOf("few", ["publish"], [">"], 1), keyOf("free", ["publish"], [">"], 0)]
      const { publish } = yield* servedBehind({ keys: [...keys, ...few], limit: 2 })
      const status = (id: string) =>
        Effect.map(publish("{\"payload\":1}", bearer(id)), ({ status }) => status)
      assert.deepStrictEqual([yield* status("few"), yield* status("few")], [202, 429])
      assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3], () => status("all")), [202, 202, 429])
      assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3], () => status("free")), [
        202,
        202,
        202
      ])
    }))

  it.live("answers to any name, as it needs no guard against web pages", () =>
    Effect.gen(function*() {
      const { ask, metricsUrl } = yield* servedBehind({ keys })
      const headers = { ...bearer("all"), host: "bus.example", origin: "http://evil.example" }
      assert.strictEqual((yield* ask("/v1/info", { headers })).status, 200)
      const { text } = yield* askAny(`${metricsUrl}/metrics`)
      assert.match(text, /\napi_keys 8\n/)
      assert.match(text, /\nauth_refused_total\{reason="invalid"\} 0\n/)
    }))

  it.live("ends what waits for a key that is revoked or changed, and nothing else", () =>
    Effect.gen(function*() {
      const [first, second] = [keyOf("first", ["consume"], [">"]), keyOf("second", actions, [">"])]
      const state = { ring: makeKeyRing([first, second]), changed: () => {} }
      const { ask, fake } = yield* servedBehind({
        keyService: {
          required: true,
          verify: (credential) => state.ring.verify(credential),
          isCurrent: (grant) => state.ring.entryOf(grant.id)?.grant === grant,
          onChange: (listener) => (state.changed = listener),
          counts: () => ({ keys: 2, reloads: 0, reloadFailures: 0, stale: false })
        }
      })
      const headers = bearer("second")
      yield* ask("/v1/subscriptions/s", { method: "PUT", body: "{\"topic\":\"a\"}", headers })
      const pull = (id: string) =>
        Effect.forkChild(ask("/v1/subscriptions/s/pull", {
          body: "{\"waitMs\":30000}",
          headers: bearer(id)
        }))
      const [ended, stays] = [yield* pull("first"), yield* pull("second")]
      yield* Effect.repeat(Effect.sync(() => fake.pullsWaiting), {
        until: (count) => count === 2,
        schedule: Schedule.spaced("5 millis")
      })
      state.ring = makeKeyRing([keyOf("first", ["admin"], [">"]), second], state.ring)
      state.changed()
      assert.strictEqual((yield* Fiber.join(ended)).status, 503)
      assert.strictEqual(fake.pullsInterrupted, 1)
      assert.isUndefined(stays.pollUnsafe())
    }))
})
