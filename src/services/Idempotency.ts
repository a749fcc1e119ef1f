/**
 * What a publish under an idempotency key is refused with. A repeat is no refusal: it gets the
 * first reply again.
 */
import * as Schema from "effect/Schema"

/** The idempotency key was used for another body. Remedy: use a new key. */
export class IdempotencyConflict
  extends Schema.TaggedError<IdempotencyConflict>()("IdempotencyConflict", {
    idempotencyKey: Schema.String,
    firstId: Schema.String
  })
{
  override get message(): string {
    return `the idempotency key ${this.idempotencyKey} belongs to another body; use a new one`
  }
}

/** A publish under this idempotency key has not finished yet. Remedy: repeat it shortly. */
export class IdempotencyInFlight
  extends Schema.TaggedError<IdempotencyInFlight>()("IdempotencyInFlight", {
    idempotencyKey: Schema.String
  })
{
  override get message(): string {
    return `a publish under the key ${this.idempotencyKey} has not finished; repeat it shortly`
  }
}

/**
 * Whether the key was used before cannot be told now, so nothing was stored. Remedy: repeat it
 * later, or publish without a key.
 */
export class KeysUnavailable extends Schema.TaggedError<KeysUnavailable>()("KeysUnavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return `idempotency keys cannot be looked up now: ${this.detail}`
  }
}
