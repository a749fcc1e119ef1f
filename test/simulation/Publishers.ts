/**
 * Publishers of a simulated bus: what they publish, and what they are told.
 */
import { Effect, Result } from "effect"
import type { Draft } from "../../src/domain/Message.ts"
import type { Accepted, PublishError } from "../../src/services/MessageBus.ts"
import { call, refusals } from "./Calls.ts"
import type { Run } from "./Run.ts"

/** Publishes one draft by itself, more as a batch. */
export const publish = (run: Run, drafts: ReadonlyArray<Draft>): void => {
  const { bus } = run.node
  const { now } = run.world
  const later = (ms: number | undefined) => ms === undefined ? undefined : now + ms
  const dated = drafts.map((draft) => ({
    ...draft,
    deliverAt: later(draft.deliverAt),
    expiresAt: later(draft.expiresAt)
  }))
  const [first, ...others] = dated
  if (first === undefined) return
  const hear = (draft: Draft, result: Result.Result<Accepted, PublishError>): void => {
    if (Result.isSuccess(result)) {
      run.saw(result.success.duplicate ? "publish repeated" : "publish accepted", draft.payload)
      if (result.success.duplicate) run.log.claims.repeated(result.success.id, now)
      return run.log.accepted(result.success.id)
    }
    const { _tag } = result.failure
    if (others.length > 0) run.saw(`publish refused: ${_tag}`)
    if (!refusals.publish.includes(_tag) && run.node.core.state === "Running") {
      run.breach(0, `a publish was refused: ${_tag}`)
    }
    if (draft.idempotencyKey === undefined) run.log.wasRefused(draft.payload)
  }
  if (others.length === 0) {
    const refused = (error: PublishError): void => {
      run.shards.refused(first.payload, error._tag)
      hear(first, Result.fail(error))
    }
    const asking = Effect.suspend(() => {
      if ((first.deliverAt ?? 0) <= run.world.now) run.shards.asks(first)
      return bus.publish(first)
    })
    call(run, "publish", asking, (ok) => hear(first, Result.succeed(ok)), refused)
  } else {
    call(run, "publish", bus.publishMany(dated), (results) =>
      results.forEach((result, at) => {
        const draft = dated[at]
        if (draft !== undefined) hear(draft, result)
      }))
  }
}
