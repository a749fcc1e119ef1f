/**
 * The entrance: what happens to a draft before the publisher sees it. It gets the context that its
 * publisher runs in, and the hooks of the program look at it; not at replies, which nobody
 * subscribes to.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Carried } from "../../domain/ExecutionContext.ts"
import type { Draft } from "../../domain/Message.ts"
import { isReplyTopic } from "../../domain/Request.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { HookRefused } from "../../services/Hooks.ts"
import type { Accepted, PublishError } from "../../services/MessageBus.ts"
import type { Core } from "./Core.ts"
import { isOpen } from "./Openness.ts"
import type { Publisher } from "./Publisher.ts"

/** Drafts of one batch whose hooks run at once. */
export const hookConcurrency = 16

/** The ways to publish, through the entrance. Measured: a generator here doubles what it costs. */
export const make = (core: Core, publisher: Publisher): Publisher => ({
  publish: (draft) =>
    Effect.withFiber((fiber) => {
      const carried = inContext(draft, fiber.getRef(ExecutionContext.reference))
      return isHooked(core) && !isReplyTopic(draft.topic)
        ? Effect.flatMap(hooked(core, carried), publisher.publish)
        : publisher.publish(carried)
    }),
  publishMany: (drafts) =>
    Effect.withFiber((fiber) => {
      const context = fiber.getRef(ExecutionContext.reference)
      const carried = context.text === undefined
        ? drafts
        : drafts.map((draft) => inContext(draft, context))
      return isHooked(core)
        ? publishHooked(core, publisher, carried)
        : publisher.publishMany(carried)
    })
})

/** A context that the draft names goes before the one of its publisher. */
const inContext = (draft: Draft, { text }: Carried): Draft =>
  text === undefined || draft.context !== undefined ? draft : { ...draft, context: text }

/** A bus that does not run refuses before any hook is asked. */
const isHooked = (core: Core): boolean => core.hooks.before.length > 0 && isOpen(core)

const hooked = (core: Core, draft: Draft): Effect.Effect<Draft, HookRefused> =>
  Effect.tapError(
    core.hooks.apply(draft),
    ({ _tag, hook, reason }) =>
      Effect.sync(() => {
        core.countRefused(_tag)
        core.decisions.sample({
          kind: "refusal",
          subject: `hook ${hook}`,
          rule: "a hook before the publish that fails, or takes too long, refuses the message",
          inputs: { topic: draft.topic, reason },
          outcome: _tag
        }, core.now())
      })
  )

const publishHooked = Effect.fnUntraced(
  function*(core: Core, publisher: Publisher, drafts: ReadonlyArray<Draft>) {
    const given = yield* Effect.forEach(
      drafts,
      (draft) =>
        isReplyTopic(draft.topic)
          ? Effect.succeed(Result.succeed(draft))
          : Effect.result(hooked(core, draft)),
      { concurrency: hookConcurrency }
    )
    const good = given.flatMap((one) => Result.isSuccess(one) ? [one.success] : [])
    const published = (yield* publisher.publishMany(good)).values()
    return given.map((one): Result.Result<Accepted, PublishError> => {
      if (Result.isFailure(one)) return Result.fail(one.failure)
      const { done, value } = published.next()
      if (done === true) throw new Error("fewer results than drafts") // A bug.
      return value
    })
  }
)
