/**
 * A crowd that follows a topic by server-sent events, some of whom never read.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { connect, type Socket } from "node:net"
import process from "node:process"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { calmP99, memoryOf, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const plan = isLong
  ? { readers: 900, sleepers: 100, messages: 1_000, payloadBytes: 4_000 }
  : { readers: 90, sleepers: 10, messages: 200, payloadBytes: 20_000 }

/** One connection: what it was told, by the numbers in the payloads. */
interface Follower {
  readonly socket: Socket
  readonly numbers: Array<number>
  gaps: number
  isOpen: boolean
}

/** Follows the topic; a sleeper reads nothing but the head of the answer. */
const follow = (service: Service, sleeps: boolean): Follower => {
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  const follower: Follower = { socket, numbers: [], gaps: 0, isOpen: false }
  let text = ""
  socket.setEncoding("latin1")
  socket.on("error", () => undefined)
  socket.on("data", (chunk: string) => {
    text += chunk
    if (!follower.isOpen && text.includes("\r\n\r\n")) {
      follower.isOpen = true
      if (sleeps) return void socket.pause()
    }
    const events = text.split("\n\n")
    text = events.pop() ?? ""
    for (const event of events) {
      if (/^event: gap$/m.test(event)) follower.gaps++
      const number = /"payload":"(\d+) /.exec(event)?.[1]
      if (number !== undefined) follower.numbers.push(Number(number))
    }
  })
  socket.write(
    `GET /v1/subscriptions/crowd/events?from=now HTTP/1.1\r\nhost: ${hostname}\r\n` +
      `accept: text/event-stream\r\n\r\n`
  )
  return follower
}

const crowd = (
  service: Service,
  count: number,
  sleeps: boolean
): Effect.Effect<ReadonlyArray<Follower>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => Array.from({ length: count }, () => follow(service, sleeps))),
    (followers) => Effect.sync(() => followers.forEach(({ socket }) => socket.destroy()))
  )

const publishes = ({ url }: Service, topic: string, count: number) =>
  Effect.gen(function*() {
    const latencies: Array<number> = []
    for (let n = 0; n < count; n++) {
      const before = performance.now()
      const payload = `${n} `.padEnd(plan.payloadBytes, "x")
      const { status } = yield* call(`${url}/v1/topics/${topic}/messages`, "POST", { payload })
      assert.strictEqual(status, 202)
      latencies.push(performance.now() - before)
    }
    return calmP99(latencies)
  })

const until = (holds: () => boolean) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 2_400 && !holds(); tries++) yield* Effect.sleep(50)
    return holds()
  })

describe("a crowd that follows by events", () => {
  it.live(`F20, P11: ${plan.sleepers} of them never read, which the others do not feel`, () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      yield* call(`${service.url}/v1/subscriptions/crowd`, "PUT", {
        topic: "crowd.>",
        mode: "broadcast"
      })
      yield* publishes(service, "usual.t", 100)
      const alone = yield* publishes(service, "usual.t", isLong ? 1_000 : 50)
      const readers = yield* crowd(service, plan.readers, false)
      const sleepers = yield* crowd(service, plan.sleepers, true)
      assert.isTrue(yield* until(() => [...readers, ...sleepers].every(({ isOpen }) => isOpen)))
      const before = memoryOf(service.process.pid).now
      yield* publishes(service, "crowd.t", plan.messages)
      assert.isTrue(
        yield* until(() => readers.every(({ numbers }) => numbers.length >= plan.messages)),
        `a reader got ${Math.min(...readers.map(({ numbers }) => numbers.length))}`
      )
      const all = Array.from({ length: plan.messages }, (_, n) => n)
      for (const { gaps, numbers } of readers) {
        assert.strictEqual(gaps, 0)
        assert.deepStrictEqual(numbers, all)
      }
      const beside = yield* publishes(service, "usual.t", isLong ? 1_000 : 50)
      const rise = memoryOf(service.process.pid).peak - before
      say("SSE crowd", { ...plan, alone, beside, rise })
      // At most 1 MB for each that does not read, and what a busy heap takes beside.
      assert.isAtMost(rise, plan.sleepers + 150)
      if (isLong) assert.isAtMost(beside, 2 * alone + 5)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
