/**
 * An agent of the executor's contract: handlers of every kind, which tell what they saw by publish.
 */
import { Effect } from "effect"
import { on } from "../../../src/Agent.ts"
import { PermanentFailure } from "../../../src/domain/Delivery.ts"
import * as ExecutionContext from "../../../src/services/ExecutionContext.ts"

/** Returns a value, which nobody needs. */
export const plain = on("orders.*", () => 42, {
  ordering: "topic",
  timeout: "5 seconds",
  retry: { base: "20 millis", delays: ["1 second", 5] },
  filter: { "payload.amount": { gte: 5 } },
  fates: { Closed: "park" }
})

/** Resolves after a turn of the loop. */
export const awaited = on("orders.*", () => new Promise((resolve) => setImmediate(resolve)))

/** Tells all that a handler sees. */
export const seen = on("orders.*", async (payload, delivery) => {
  const { attempt, context, headers, message, subscription } = delivery
  await delivery.publish("seen", { payload, attempt, context, headers, message, subscription })
})

/** Publishes as the payload says; what comes of it is published as well. */
export const publishing = on<{ topic: string; value: unknown; options: object }>(
  "orders.*",
  async ({ options, topic, value }, { publish }) => {
    const delay = { ...options, delay: "2 seconds" } as const
    const accepted = await publish(topic, value, delay).catch((error: unknown) => error)
    await publish("outcome", accepted)
    const lacking = await publish(topic, undefined).catch(({ _tag, field }) => ({ _tag, field }))
    const circle: Array<unknown> = []
    circle.push(circle)
    const endless = await publish(topic, circle).catch(({ _tag, field }) => ({ _tag, field }))
    await publish("refusals", [lacking, endless])
  }
)

/** Keeps something in a session, reads and ends it, and tells what came of each. */
export const remembering = on("orders.*", async (_payload, { publish, sessions }) => {
  const told = (asked: Promise<unknown>) =>
    asked.catch(({ _tag, field }: { readonly _tag: unknown; readonly field: unknown }) => [
      _tag,
      field
    ])
  const before = await told(sessions.get("chat"))
  const version = await sessions.set("chat", { turns: [1, "ü"] }, { ttlMs: 60_000 })
  const found = await sessions.get("chat")
  const circle: Array<unknown> = []
  circle.push(circle)
  const refused = [
    await told(sessions.set("chat", 2, { ttlMs: 60_000, version: 1 })),
    await told(sessions.set("chat", circle, { ttlMs: 60_000 })),
    await told(sessions.set("chat", 2, { ttlMs: 1 })),
    await told(sessions.get(7 as never)),
    await told(sessions.set("chat", 2, undefined as never)),
    await told(sessions.delete("chat", 1))
  ]
  const ended = [await sessions.delete("chat", version), await sessions.delete("chat")]
  await publish("remembered", {
    isNew: before === undefined,
    isSame: found?.version === version,
    value: found?.value,
    refused,
    ended
  })
})

/** Throws, rejects or fails as the payload says. */
export const failing = on<string>("orders.*", (how) => {
  switch (how) {
    case "throws":
      throw new TypeError("no order")
    case "rejects":
      return Promise.reject(Object.assign(new Error("shut"), { _tag: "Closed" }))
    case "fails":
      return Effect.fail({ _tag: "Closed", message: "shut" })
    case "dies":
      return Effect.die(new RangeError("out of range"))
    case "for good":
      return Promise.reject(new PermanentFailure({ reason: "no such customer" }))
    case "for good by name":
      return Effect.fail({ _tag: "PermanentFailure", reason: "no such customer" })
    default:
      return Promise.reject(undefined)
  }
})

/** Runs until it is told to let go, and tells when it did. */
export const patient = on(
  "orders.*",
  (_payload, { publish, signal }) =>
    new Promise<void>((resolve) => {
      void publish("begun", null)
      signal.addEventListener("abort", () => {
        publish("released", null).then(() => resolve(), () => resolve())
      })
    })
)

/** An Effect that needs a moment to clean up. */
export const effectful = on(
  "orders.*",
  (_payload, { publish }) =>
    Effect.promise(() => publish("begun", null)).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() =>
        Effect.andThen(Effect.sleep("20 millis"), Effect.promise(() => publish("released", null)))
      )
    )
)

/** Tells the context in which its Effect runs. */
export const inContext = on("orders.*", (_payload, { publish }) =>
  Effect.flatMap(
    ExecutionContext.current,
    (values) => Effect.promise(() => publish("context", values))
  ))

/** Replies, once in time and once too late. */
export const replying = on("orders.*", async (payload, { publish, reply }) => {
  await publish("replied", await reply(payload))
})

/** Sends what it does not wait for. */
export const hasty = on("orders.*", (_payload, { publish, reply }) => {
  void publish("sent", 1)
  void publish("sent", 2)
  void reply("sent")
})

/** Publishes when its run is over. */
export const late = on("orders.*", (_payload, { publish, reply }) => {
  setTimeout(() => void reply(1).then((isReplied) => publish("late", isReplied)), 30)
})

/** No handler. */
export const limit = 3

export default plain
