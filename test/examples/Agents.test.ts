/**
 * The example agents do their work, whatever runs them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, type Scope } from "effect"
import { createHmac } from "node:crypto"
import { createRequire } from "node:module"
import { join } from "node:path"
import process from "node:process"
import { layer as agentsOf } from "../../src/layers/agents/DirectoryAgents.ts"
import * as Bus from "../../src/layers/bus/Bus.ts"
import * as Embedding from "../../src/layers/embed/Embedding.ts"
import * as InThread from "../../src/layers/executor/InThread.ts"
import * as WorkerThreads from "../../src/layers/executor/WorkerThreads.ts"
import * as MemoryLog from "../../src/layers/log/MemoryLog.ts"
import * as LocalSessions from "../../src/layers/sessions/LocalSessions.ts"
import { Agents } from "../../src/services/Agents.ts"
import { CodeFactory } from "../../src/services/CodeFactory.ts"
import type { Executor } from "../../src/services/Executor.ts"
import { root } from "../integration/Service.ts"

const secret = "only this test knows it"
process.env["GITHUB_WEBHOOK_SECRET"] = secret

const executors: ReadonlyArray<readonly [name: string, layer: () => Layer.Layer<Executor>]> = [
  ["in this thread", () => InThread.layer],
  ["in threads", () => WorkerThreads.layer({ threads: 1 })]
]

const agents = (executor: Layer.Layer<Executor>) =>
  Layer.effectDiscard(Effect.flatMap(Agents, ({ load }) => load)).pipe(
    Layer.provideMerge(agentsOf({
      directory: join(root, "examples", "agents"),
      isParallel: true,
      isHeavyLazy: true,
      isCheckSkipped: false,
      timeout: Duration.seconds(90),
      isWatched: false
    })),
    Layer.provideMerge(Embedding.layer),
    Layer.provide(Bus.layer(Bus.optionsDefault)),
    Layer.provide(MemoryLog.layer),
    Layer.provide([executor, LocalSessions.layer()])
  )

/** Publishes a message and waits for the `count` ones of `topic` that agents make of it. */
const made = (
  topic: string,
  count: number,
  publish: Effect.Effect<unknown, unknown, CodeFactory>
) =>
  Effect.gen(function*() {
    const { bus } = yield* CodeFactory
    const name = "made" as never
    const options = {
      topic: topic as never,
      ordering: "key",
      from: "now",
      mode: "compete"
    } as const
    yield* bus.createSubscription(name, { ...options, maxAttempts: 4, ackTimeoutMs: 30_000 })
    yield* publish
    const seen = []
    while (seen.length < count) seen.push(...(yield* bus.pull("made", 10, 1_000)))
    return seen.map(({ message }) => message)
  })

const send = (topic: string, payload: unknown) =>
  CodeFactory.use(({ publish }) => publish(topic, payload))

const event = "github_app_authorization"

const signed = (event: string, payload: unknown, key = secret) => {
  const body = JSON.stringify(payload)
  const digest = createHmac("sha256", key).update(body).digest("hex")
  return { event, body, signature: `sha256=${digest}` }
}

for (const [where, executor] of executors) {
  const live = (
    title: string,
    test: Effect.Effect<void, unknown, Agents | CodeFactory | Scope.Scope>
  ) => it.live(title, () => Effect.provide(Effect.scoped(test), agents(executor())))

  describe(`the example agents ${where}`, () => {
    live(
      "are loaded, all three of them",
      Effect.gen(function*() {
        const { failed, loaded } = (yield* Agents).snapshot()
        assert.deepStrictEqual(failed, [])
        assert.deepStrictEqual(loaded.map(({ subscriptions }) => subscriptions.join()), [
          "receipts",
          "schemas",
          "signatures"
        ])
      })
    )

    live(
      "receipts: an order that was paid becomes one mail with tax and total",
      Effect.gen(
        function*() {
          const lines = [{ name: "Tea", quantity: 3, cents: 250 }, {
            name: "Pot",
            quantity: 1,
            cents: 1_999
          }]
          const order = { id: "7", email: "ada@example.org", lines, taxPercent: 19 }
          const [mail] = yield* made("mail.requested", 1, send("orders.paid", order))
          assert.strictEqual(mail?.key, "ada@example.org")
          assert.deepStrictEqual(JSON.parse(mail?.payload ?? ""), {
            to: "ada@example.org",
            subject: "Receipt 7",
            text: "3 x Tea: 7.50\n1 x Pot: 19.99\ntax 19 %: 5.22\ntotal: 32.71"
          })
        }
      )
    )

    live(
      "signatures: what GitHub signed is passed on, a forgery is a dead letter at once",
      Effect.gen(
        function*() {
          const { bus } = yield* CodeFactory
          const payload = { action: "created", repository: { full_name: "a/b" } }
          const both = Effect.andThen(
            send("webhooks.github", signed("star", payload, "a guess")),
            send("webhooks.github", signed("star", payload))
          )
          const [passed] = yield* made("github.star.created", 1, both)
          assert.strictEqual(passed?.key, "a/b")
          assert.deepStrictEqual(JSON.parse(passed?.payload ?? ""), payload)
          const letters = bus.deadLetters({ subscription: "signatures" }, 0, 10)
          const [forged, ...more] = yield* Effect.repeat(letters, {
            until: (all) => all.length > 0
          })
          assert.include(forged?.error, "the signature is forged")
          assert.strictEqual(forged?.attempts, 1)
          assert.lengthOf(more, 0)
        }
      )
    )

    live(
      "schemas: a webhook that lacks what today's schema wants is told, with what",
      Effect.gen(
        function*() {
          const all = createRequire(import.meta.url)("@octokit/webhooks-examples")
          const { examples: [whole] } = all.find(({ name }: { name: string }) => name === event)
          const { sender: _, ...lacking } = whole
          const headers = { "x-github-event": event }
          const both = CodeFactory.use(({ publish }) =>
            Effect.andThen(
              publish("github.github_app_authorization.revoked", whole, { headers }),
              publish("github.github_app_authorization.revoked", lacking, { headers })
            )
          )
          const [outdated] = yield* made("audits.outdated", 1, both)
          const told = JSON.parse(outdated?.payload ?? "")
          assert.strictEqual(told.event, event)
          assert.include(told.faults, "must have required property 'sender'")
        }
      )
    )
  })
}
