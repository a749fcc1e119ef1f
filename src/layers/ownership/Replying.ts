/**
 * Replying: replies on their way to the pod where somebody waits for them.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { podOfReply } from "../../domain/Request.ts"
import type { OtherPods } from "../../services/OtherPods.ts"
import { type Ask, type Refused, type Said, valueOf } from "./Wire.ts"

/** Replies on their way of which nobody waits to hear; what is more is dropped. */
const sendingMax = 1_000

/** How long, and how often, a pod that is not known is looked for. */
const lookMax = Duration.seconds(3)
const lookEvery = Duration.seconds(1)

/** How other pods are reached by name. */
export interface Reached {
  /** `undefined` when no such pod is known. */
  readonly askPod: (
    pod: string,
    ask: Extract<Ask, { readonly kind: "reply" }>
  ) => Effect.Effect<Said | undefined, Refused>
  /** Looks who is there. */
  readonly look: Effect.Effect<void>
}

/** Brings replies; one that does not arrive is like one that comes too late. */
export const make = (
  reached: Reached
): Effect.Effect<Pick<OtherPods, "reply" | "sendReply">, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const scope = yield* Effect.scope
    const state = { sending: 0 }
    const look = yield* Effect.cachedWithTTL(
      Effect.asVoid(Effect.timeoutOption(reached.look, lookMax)),
      lookEvery
    )
    const reply: OtherPods["reply"] = (topic, reply) =>
      Effect.gen(function*() {
        const pod = podOfReply(topic)
        const asked = reached.askPod(pod, { kind: "reply", pod, topic, reply })
        const said = (yield* asked) ?? (yield* Effect.andThen(look, asked))
        return said !== undefined && valueOf<boolean>(said)
      }).pipe(
        Effect.catch(({ message }) =>
          Effect.as(Effect.logDebug(`a reply to ${topic} did not arrive: ${message}`), false)
        )
      )
    return {
      reply,
      sendReply: (topic, message) => {
        if (state.sending >= sendingMax) return
        state.sending++
        const sent = Effect.ensuring(
          reply(topic, message),
          Effect.sync(() => state.sending--)
        )
        Effect.runForkWith(context)(Effect.forkIn(sent, scope))
      }
    }
  })
