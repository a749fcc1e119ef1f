/**
 * A client that publishes to a service and takes everything from a subscription.
 */
import { Effect } from "effect"
import { call } from "./Service.ts"

/** Creates a subscription of everything below `load`. */
export const subscribe = (url: string, name: string) =>
  call(`${url}/v1/subscriptions/${name}`, "PUT", { topic: "load.>", maxAttempts: 100 })

/** Publishes one message to `load.test`. */
export const publish = (url: string, payload: unknown) =>
  call(`${url}/v1/topics/load.test/messages`, "POST", { payload })

/** Pulls and acknowledges until nothing comes for `waitMs`; gives the ids. */
export const drain = (url: string, name: string, waitMs = 500) =>
  Effect.gen(function*() {
    const subscription = `${url}/v1/subscriptions/${name}`
    const ids: Array<string> = []
    for (;;) {
      const { body } = yield* call(`${subscription}/pull`, "POST", { max: 1_000, waitMs })
      if (body.deliveries.length === 0) break
      ids.push(...body.deliveries.map(({ message }) => message.id))
      const ackIds = body.deliveries.map(({ ackId }) => ackId)
      yield* call(`${subscription}/ack`, "POST", { ackIds })
    }
    return ids
  })
