/**
 * Signals over a real Redis: who hears what, and what is said of what was not heard.
 */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import * as Redis from "../../../src/layers/drivers/redis/Redis.ts"
import * as RedisSignals from "../../../src/layers/signals/RedisSignals.ts"
import { Signals } from "../../../src/services/Signals.ts"
import { redisServer } from "../../servers/Redises.ts"

import { redisOptions } from "../drivers/redis/TestRedis.ts"

const server = redisServer()

/** Waits, and does something meanwhile, for as long as it may take. */
const until = (
  holds: () => boolean,
  meanwhile: Effect.Effect<unknown> = Effect.void
): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 600; tries++) {
      if (holds()) return
      yield* meanwhile
      yield* Effect.sleep("25 millis")
    }
    assert.fail("it did not come to be in 15 s")
  })

/** A process: what it says, and what it has heard and missed. */
interface Member {
  readonly send: (text: string) => Effect.Effect<boolean>
  readonly heard: Array<string>
  readonly missed: Array<number>
}

const member = (url: string): Effect.Effect<Member, never, Scope.Scope> =>
  Effect.gen(function*() {
    const layer = Layer.provide(RedisSignals.layer, Redis.layer(redisOptions(url)))
    const signals = Context.get(yield* Effect.orDie(Layer.build(Layer.fresh(layer))), Signals)
    const heard: Array<string> = []
    const missed: Array<number> = []
    yield* signals.listen("test", {
      said: ({ text }) => heard.push(text),
      missed: (count) => missed.push(count)
    })
    return { send: (text) => signals.send("test", text), heard, missed }
  })

it.live("pitfall 51: each other pod hears a signal once, in order, and none hears its own", () =>
  Effect.gen(function*() {
    const { url } = yield* server
    const members = yield* Effect.all([member(url), member(url), member(url)])
    const texts = Array.from({ length: 300 }, (_, n) => `${n} with spaces, and \n lines`)
    yield* Effect.forEach(
      members,
      ({ send }, at) =>
        Effect.forEach(texts, (text) => send(`${at}: ${text}`), {
          concurrency: "unbounded"
        }),
      { concurrency: "unbounded" }
    )
    for (const [at, { heard, missed }] of members.entries()) {
      yield* until(() => heard.length >= 600)
      for (const origin of [0, 1, 2]) {
        const ofOrigin = heard.filter((text) => text.startsWith(`${origin}: `))
        assert.deepStrictEqual(
          ofOrigin,
          origin === at ? [] : texts.map((text) => `${origin}: ${text}`)
        )
      }
      assert.deepStrictEqual(missed, [])
    }
  }))

it.live("pitfall 51: who was cut off hears again, and learns how many it has missed", () =>
  Effect.gen(function*() {
    const { cli, url } = yield* server
    const [a, b] = yield* Effect.all([member(url), member(url)])
    let sent = 0 // Numbers are what is said.
    const say = Effect.suspend(() => a.send(`${++sent}`))
    yield* say
    yield* until(() => b.heard.length === 1)
    for (let times = 0; times < 3; times++) {
      cli("CLIENT", "KILL", "TYPE", "pubsub")
      for (let n = 0; n < 20; n++) yield* say
      const before = b.heard.length
      yield* until(() => b.heard.length > before, say)
    }
    const total = () => b.heard.length + b.missed.reduce((sum, count) => sum + count, 0)
    yield* until(() => total() === sent)
    assert.isAbove(b.missed.length, 0)
    const numbers = b.heard.map(Number)
    assert.deepStrictEqual(numbers, [...new Set(numbers)].toSorted((x, y) => x - y))
  }))

it.live("what was missed is told of, also when nothing more is said", () =>
  Effect.gen(function*() {
    const { cli, url } = yield* server
    const [a, b] = yield* Effect.all([member(url), member(url)])
    yield* a.send("1")
    yield* until(() => b.heard.length === 1)
    cli("CLIENT", "KILL", "TYPE", "pubsub")
    yield* a.send("2")
    yield* a.send("3")
    yield* until(() => b.heard.length + b.missed.reduce((sum, count) => sum + count, 0) === 3)
  }))

it.live("F2: without Redis only so many wait, and what is dropped is known as missed", () =>
  Effect.gen(function*() {
    const { process, url } = yield* server
    const [a, b] = yield* Effect.all([member(url), member(url)])
    yield* a.send("first")
    yield* until(() => b.heard.length === 1)
    process().kill("SIGSTOP")
    const many = RedisSignals.outgoingMax.count + 500
    const said = yield* Effect.forEach(
      Array.from({ length: many }, (_, n) => `${n}`),
      (text) => a.send(text),
      { concurrency: "unbounded" }
    )
    assert.isAtLeast(said.filter((isSaid) => !isSaid).length, 500)
    process().kill("SIGCONT")
    yield* until(() => b.heard.includes("last"), a.send("last"))
    const missed = b.missed.reduce((sum, count) => sum + count, 0)
    assert.isAtLeast(missed, 500)
  }))
