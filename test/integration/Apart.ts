/**
 * Several pods over one Redis, each a process of its own with a log of its own.
 */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import type { EventStream } from "../edge/EventStream.ts"
import { freePort } from "../servers/Process.ts"
import type { Server } from "../servers/Redis.ts"
import { call, type Service, start, temporaryFolder } from "./Service.ts"

type Settings = Readonly<Record<string, string>>

/** A pod: where it is, and what it needs to be started again. */
export interface ApartPod {
  readonly service: Service
  readonly port: number
  readonly folder: string
}

const started = (
  { url }: Pick<Server, "url">,
  folder: string,
  port: number,
  settings: Settings
): Effect.Effect<ApartPod, never, Scope.Scope> =>
  Effect.orDie(Effect.map(
    start(folder, {
      ENABLE_REDIS: "1",
      REDIS_URL: url,
      SINGLE_POD: "0",
      POD_PORT: String(port),
      ...settings
    }),
    (service) => ({ service, port, folder })
  ))

/** So many pods that know each other. */
export const apartPods = (
  server: Pick<Server, "url">,
  count: number,
  settings: Settings = {}
): Effect.Effect<ReadonlyArray<ApartPod>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const pods: Array<ApartPod> = []
    for (let n = 0; n < count; n++) {
      pods.push(yield* started(server, yield* temporaryFolder, yield* freePort, settings))
    }
    yield* settled(pods)
    return pods
  })

/** Until every pod knows all others. */
export const settled = (pods: ReadonlyArray<ApartPod>): Effect.Effect<void> =>
  Effect.gen(function*() {
    const state = { known: 0 }
    while (state.known < pods.length) {
      const all = yield* Effect.forEach(
        pods,
        (_, pod) => at(pods, pod, "GET", "/v1/snapshot?scope=cluster")
      )
      state.known = all.filter(({ body }) => body.pods.length === pods.length).length
      yield* Effect.sleep("50 millis")
    }
  })

/** The same pod, started again. */
export const restarted = (
  server: Pick<Server, "url">,
  { folder, port }: ApartPod,
  settings: Settings = {}
) => started(server, folder, port, settings)

/** Asks one of the pods. */
export const at = (
  pods: ReadonlyArray<ApartPod>,
  pod: number,
  method: string,
  path: string,
  body?: unknown
) => Effect.orDie(call(`${pods[pod]?.service.url}${path}`, method, body))

/** The ids of the messages that a stream has shown. */
export const idsIn = (stream: EventStream): ReadonlyArray<string> =>
  stream.events.filter(({ event }) => event === "message").map(({ data }) => JSON.parse(data).id)

/** How many of its events are none. */
export const gapsIn = (stream: EventStream): number =>
  stream.events.filter(({ event }) => event !== "message").length

/** Publishes so many messages at each pod in turn; returns their ids. */
export const publish = (pods: ReadonlyArray<ApartPod>, count: number, topic = "t") =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) =>
      Effect.map(
        at(pods, n % pods.length, "POST", `/v1/topics/${topic}/messages`, {
          payload: n,
          key: `k${n}`
        }),
        ({ body, status }) => {
          assert.strictEqual(status, 202, JSON.stringify(body))
          return String(body.id)
        }
      )
  )

/** Takes everything from a subscription, asking each pod in turn, and acks at the next one. */
export const takeAll = (pods: ReadonlyArray<ApartPod>, name: string, count: number) =>
  Effect.gen(function*() {
    const ids: Array<string> = []
    for (let turn = 0; ids.length < count; turn++) {
      const subscription = `/v1/subscriptions/${name}`
      const { body } = yield* at(pods, turn % pods.length, "POST", `${subscription}/pull`, {
        max: 7,
        waitMs: 2_000
      })
      assert.isAtMost(body.deliveries.length, 7)
      if (body.deliveries.length === 0) assert.fail(`${ids.length} of ${count} came`)
      ids.push(...body.deliveries.map(({ message }) => message.id))
      const ackIds = body.deliveries.map(({ ackId }) => ackId)
      const acked = yield* at(pods, (turn + 1) % pods.length, "POST", `${subscription}/ack`, {
        ackIds
      })
      assert.deepStrictEqual(acked.status, 200, JSON.stringify(acked.body))
    }
    return ids
  })
