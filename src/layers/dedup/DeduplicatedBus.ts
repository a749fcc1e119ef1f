/**
 * A bus whose idempotency keys count at all pods: a publish under a key claims it first.
 *
 * For pods that each have a log of their own. Where they share one, it knows its keys itself.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { contentScopeOf, scopeOf } from "../../domain/IdempotencyKey.ts"
import type { Draft } from "../../domain/Message.ts"
import type { Snapshot } from "../../domain/Snapshot.ts"
import {
  type ClaimedKey,
  Deduplicator,
  type KnownKey,
  type UsedKey
} from "../../services/Deduplicator.ts"
import type { KeysUnavailable } from "../../services/Idempotency.ts"
import {
  type Accepted,
  IdempotencyConflict,
  IdempotencyInFlight,
  MessageBus,
  type PublishError
} from "../../services/MessageBus.ts"
import { fingerprintOf } from "../drivers/hash/Fingerprint.ts"

/** Whether the content of a message without a key is its key. */
export interface DeduplicatedOptions {
  readonly contentHash: boolean
}

/** The bus, with the keys of all pods. */
export const layer = (
  { contentHash }: DeduplicatedOptions
): Layer.Layer<MessageBus, never, Deduplicator | MessageBus> =>
  Layer.effect(
    MessageBus,
    Effect.map(Effect.all([MessageBus, Deduplicator]), ([bus, keys]) => {
      const isKeyed = ({ idempotencyKey }: Draft) => idempotencyKey !== undefined || contentHash
      const keyed = new KeyedPublisher(bus, keys, isKeyed)
      return MessageBus.of({
        ...bus,
        publish: (draft) => isKeyed(draft) ? keyed.publish(draft) : bus.publish(draft),
        publishMany: (drafts) =>
          drafts.some(isKeyed) ? keyed.publishMany(drafts) : bus.publishMany(drafts),
        snapshot: () => keyed.addTo(bus.snapshot())
      })
    })
  )

/** What one publish came to. */
type Published = Result.Result<Accepted, PublishError>

/** What was said about a key. */
type Verdict = Result.Result<ClaimedKey | KnownKey, KeysUnavailable>

/**
 * Publishes under keys. Once a key is claimed, what became of its message is told to the others
 * before it is replied, also when whoever asked has stopped waiting.
 */
class KeyedPublisher {
  private readonly bus: MessageBus["Service"]
  private readonly keys: Deduplicator["Service"]
  private readonly isKeyed: (draft: Draft) => boolean
  /** What was answered here, without the bus. Counted for each. */
  private duplicates = 0
  private readonly refused = new Map<string, number>()

  constructor(
    bus: MessageBus["Service"],
    keys: Deduplicator["Service"],
    isKeyed: (draft: Draft) => boolean
  ) {
    this.bus = bus
    this.keys = keys
    this.isKeyed = isKeyed
  }

  publish(draft: Draft): Effect.Effect<Accepted, PublishError> {
    return Effect.uninterruptible(Effect.gen({ self: this }, function*() {
      const verdict = yield* Effect.result(this.keys.claim(usedBy(draft)))
      const claimed = claimedBy(verdict)
      if (claimed === undefined) return yield* Effect.fromResult(this.answer(draft, verdict))
      const result = yield* Effect.result(this.bus.publish(draft))
      yield* this.settle(claimed, result)
      return yield* Effect.fromResult(result)
    }))
  }

  /** Keys are claimed together; repeats within the batch are for the bus to tell. */
  publishMany(drafts: ReadonlyArray<Draft>): Effect.Effect<ReadonlyArray<Published>> {
    return Effect.uninterruptible(Effect.gen({ self: this }, function*() {
      const asked = drafts.map((draft) => ({
        draft,
        key: this.isKeyed(draft) ? usedBy(draft) : undefined
      }))
      const verdicts = yield* this.claimAll(asked.flatMap(({ key }) => key ?? []))
      const passing = asked.filter(({ key }) =>
        key === undefined || claimedBy(verdicts.get(key.scope)) !== undefined
      )
      const published = yield* this.bus.publishMany(passing.map(({ draft }) => draft))
      const results = new Map(passing.map((one, at) => [one, published[at]]))
      yield* this.settleAll(
        verdicts,
        passing.flatMap((one) => {
          const result = results.get(one)
          return one.key === undefined || result === undefined ? [] : [[one.key.scope, result]]
        })
      )
      return asked.map((one) =>
        results.get(one) ?? this.answer(one.draft, verdicts.get(one.key?.scope ?? ""))
      )
    }))
  }

  /** A snapshot of the bus with what was answered here. */
  addTo(snapshot: Snapshot): Snapshot {
    const refused = { ...snapshot.refused }
    for (const [tag, count] of this.refused) refused[tag] = (refused[tag] ?? 0) + count
    return { ...snapshot, duplicates: snapshot.duplicates + this.duplicates, refused }
  }

  private claimAll(
    keys: ReadonlyArray<UsedKey>
  ): Effect.Effect<ReadonlyMap<string, Verdict>> {
    const claims = [...new Map(keys.map((key) => [key.scope, key])).values()].map((key) =>
      Effect.map(Effect.result(this.keys.claim(key)), (verdict) => [key.scope, verdict] as const)
    )
    return Effect.map(
      Effect.all(claims, { concurrency: "unbounded" }),
      (verdicts) => new Map(verdicts)
    )
  }

  /** Of repeats the first one says what became of the key. */
  private settleAll(
    verdicts: ReadonlyMap<string, Verdict>,
    published: ReadonlyArray<readonly [scope: string, result: Published]>
  ): Effect.Effect<void> {
    const firsts = new Map(published.toReversed())
    const settling = [...firsts].flatMap(([scope, result]) => {
      const claimed = claimedBy(verdicts.get(scope))
      return claimed === undefined ? [] : [this.settle(claimed, result)]
    })
    return Effect.all(settling, { concurrency: "unbounded", discard: true })
  }

  private settle(claimed: ClaimedKey, result: Published): Effect.Effect<void> {
    return Result.isSuccess(result)
      ? this.keys.accept(claimed, result.success)
      : this.keys.release(claimed)
  }

  /** What is answered for a key that is not ours. */
  private answer(draft: Draft, verdict: Verdict | undefined): Published {
    const answer = answerOf(this.bus, draft, verdict)
    if (Result.isSuccess(answer)) this.duplicates++
    else {
      const { _tag } = answer.failure
      this.refused.set(_tag, (this.refused.get(_tag) ?? 0) + 1)
    }
    return answer
  }
}

/** The claim on a key, if it is ours. */
const claimedBy = (verdict: Verdict | undefined): ClaimedKey | undefined =>
  verdict !== undefined && Result.isSuccess(verdict) && verdict.success._tag === "Claimed"
    ? verdict.success
    : undefined

const usedBy = (draft: Draft): UsedKey => {
  const { idempotencyKey, key, topic } = draft
  const fingerprint = fingerprintOf(draft)
  const scope = idempotencyKey === undefined
    ? contentScopeOf(topic, key, fingerprint)
    : scopeOf(topic, key, idempotencyKey)
  return { scope, fingerprint }
}

const answerOf = (
  { durability }: MessageBus["Service"],
  draft: Draft,
  verdict: Verdict | undefined
): Published => {
  if (verdict === undefined) throw new Error("a key that was not asked for") // A bug.
  if (Result.isFailure(verdict)) return Result.fail(verdict.failure)
  const known = verdict.success
  const idempotencyKey = draft.idempotencyKey ?? ""
  if (known._tag === "Claimed") throw new Error("a claim without a result") // A bug.
  if (known.fingerprint !== fingerprintOf(draft)) {
    const firstId = known._tag === "Accepted" ? known.id : ""
    return Result.fail(new IdempotencyConflict({ idempotencyKey, firstId }))
  }
  if (known._tag === "InFlight") return Result.fail(new IdempotencyInFlight({ idempotencyKey }))
  const { id, shard } = known
  return Result.succeed({
    id,
    topic: draft.topic,
    shard,
    durability,
    duplicate: true,
    owner: undefined
  })
}
